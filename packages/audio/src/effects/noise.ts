/** Noise by colour, gain, and mixtures at a given ratio. */
import { level, peak, scaled } from "../levels.ts";
import type { Random } from "../random.ts";

/** Power per hertz: even (`white`), falling by 3 dB an octave (`pink`) or by 6 dB (`brown`). */
export type NoiseColour = "white" | "pink" | "brown";

/** Decay per sample and weight of the one-pole low-passes whose sum falls by 3 dB an octave. */
const PINK = (() => {
  const poles: { keep: number; weight: number }[] = [];
  // one every two octaves, from far below hearing to above Nyquist; frequencies are shares of the sampling rate
  for (let frequency = 2 ** -14; frequency < 2; frequency *= 4) {
    const keep = Math.exp(-2 * Math.PI * frequency);
    poles.push({ keep, weight: (1 - keep) / Math.sqrt(frequency) });
  }
  return poles;
})();

/** Noise with root mean square 1. */
export function noise(length: number, colour: NoiseColour, random: Random): Float32Array {
  const out = new Float32Array(length);
  const states = new Float64Array(PINK.length);
  let last = 0;
  for (let i = 0; i < length; i++) {
    const white = random.normal();
    if (colour === "pink") {
      last = 0;
      for (const [p, { keep, weight }] of PINK.entries()) last += states[p] = keep * states[p]! + weight * white;
    } else last = colour === "white" ? white : 0.98 * last + white;
    out[i] = last;
  }
  return scaled(out, 1 / (level(out) || 1));
}

/** The samples times a factor given in dB. */
export const gain = (samples: Float32Array, decibels: number): Float32Array => scaled(samples, 10 ** (decibels / 20));

/** `samples` with `other` (repeated or cut to length) beneath it at the given signal-to-noise ratio in dB. */
export function mix(samples: Float32Array, other: Float32Array, ratio: number): Float32Array {
  const factor = (level(samples) / (level(other) || 1)) * 10 ** (-ratio / 20);
  return limited(samples.map((value, i) => value + factor * other[i % other.length]!));
}

/** Made quieter where it would pass full scale. */
export function limited(samples: Float32Array): Float32Array {
  const most = peak(samples);
  return most > 1 ? samples.map((value) => value / most) : samples;
}
