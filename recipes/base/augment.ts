/** Cheap changes to clips that make few voices and rooms go further: speed, room, noise and mixtures. */
import { resample } from "@uat/audio";
import type { Random } from "@uat/training";
import { SHARD_SAMPLE_RATE } from "./shard.ts";

/** Plays faster (factor above 1) or slower: pitch and formants move along, so a voice sounds like another one. */
export function changeSpeed(samples: Float32Array, factor: number): Float32Array {
  return resample(samples, Math.round((SHARD_SAMPLE_RATE * factor) / 100) * 100, SHARD_SAMPLE_RATE);
}

/** Root mean square. */
export function level(samples: Float32Array): number {
  let sum = 0;
  for (const value of samples) sum += value * value;
  return Math.sqrt(sum / Math.max(1, samples.length));
}

/** Largest absolute sample. */
export function peak(samples: Float32Array): number {
  let most = 0;
  for (const value of samples) most = Math.max(most, Math.abs(value));
  return most;
}

/** The samples times a factor given in dB. */
export function gain(samples: Float32Array, decibels: number): Float32Array {
  const factor = 10 ** (decibels / 20);
  return samples.map((value) => value * factor);
}

/** White noise, or noise that falls by 6 dB an octave (`brown`), with root mean square 1. */
export function noise(length: number, colour: "white" | "brown", random: Random): Float32Array {
  const out = new Float32Array(length);
  let last = 0;
  for (let i = 0; i < length; i++) {
    last = colour === "white" ? random.normal() : 0.98 * last + random.normal();
    out[i] = last;
  }
  const scale = 1 / (level(out) || 1);
  return out.map((value) => value * scale);
}

/** `samples` with `other` (repeated or cut to length) beneath it at the given signal-to-noise ratio in dB. */
export function mix(samples: Float32Array, other: Float32Array, ratio: number): Float32Array {
  const factor = (level(samples) / (level(other) || 1)) * 10 ** (-ratio / 20);
  const out = samples.map((value, i) => value + factor * other[i % other.length]!);
  const most = peak(out);
  return most > 1 ? out.map((value) => value / most) : out;
}

/**
 * A room: the direct sound and 150 echoes at random delays, which fade by 60 dB within `seconds`. Sparse echoes are
 * enough for a reverberant spectrum and cost little.
 */
export function room(samples: Float32Array, seconds: number, random: Random): Float32Array {
  const out = samples.slice();
  for (let echo = 0; echo < 150; echo++) {
    const time = seconds * random.uniform(0.01, 1) ** 2;
    const delay = Math.max(1, Math.round(time * SHARD_SAMPLE_RATE));
    const factor = 0.25 * random.normal() * 10 ** ((-3 * time) / seconds);
    for (let i = delay; i < out.length; i++) out[i] = out[i]! + factor * samples[i - delay]!;
  }
  const scale = level(samples) / (level(out) || 1);
  return out.map((value) => Math.max(-1, Math.min(1, value * scale)));
}
