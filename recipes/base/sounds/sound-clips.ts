/** One file of a package → clips of bounded length, as they are written to the folders of the recipe. */
import { openAudio, speechBlocks } from "@uat/audio";
import { level, peak } from "../../../packages/training/src/synth/levels.ts";

/** Clips are kept at the rate they come in, up to this. */
const HIGHEST_RATE = 48000;
/** Below this level of the whole clip (−60 dBFS) there is nothing to hear. */
const QUIETEST_LEVEL = 1e-3;
/** Silence at either end: below the peak by so much (−50 dB). */
const SILENCE = 0.00316;
/** Left before and after a sound. */
const MARGIN_SECONDS = 0.02;

export interface Recording {
  samples: Float32Array;
  sampleRate: number;
}

/** Mono samples of a file, at most `seconds` of it, channels averaged, at its own rate up to 48 kHz. */
export async function decodeNative(bytes: Uint8Array, name: string, seconds: number): Promise<Recording> {
  const stream = await openAudio(bytes, { name });
  try {
    const sampleRate = Math.min(stream.sampleRate, HIGHEST_RATE);
    const parts: Float32Array[] = [];
    let length = 0;
    for await (const block of speechBlocks(stream, { sampleRate, channel: "mean", name })) {
      parts.push(block);
      length += block.length;
      if (length >= seconds * sampleRate) break;
    }
    const samples = new Float32Array(length);
    let at = 0;
    for (const part of parts) {
      samples.set(part, at);
      at += part.length;
    }
    return { samples: samples.subarray(0, Math.floor(seconds * sampleRate)), sampleRate };
  } finally {
    stream.close();
  }
}

/** Without the silence before and after the sound; nothing where it is silent throughout. */
export function trimSilence({ samples, sampleRate }: Recording): Float32Array | undefined {
  if (samples.length === 0 || level(samples) < QUIETEST_LEVEL) return undefined;
  const floor = peak(samples) * SILENCE;
  const margin = Math.round(MARGIN_SECONDS * sampleRate);
  let start = 0;
  while (Math.abs(samples[start]!) < floor) start++;
  let end = samples.length;
  while (Math.abs(samples[end - 1]!) < floor) end--;
  return samples.subarray(Math.max(0, start - margin), Math.min(samples.length, end + margin));
}

/** Pieces of one length, none longer than `most` samples; those that are silent are left out. */
export function cutPieces(samples: Float32Array, most: number): Float32Array[] {
  const count = Math.ceil(samples.length / most);
  return Array.from({ length: count }, (_, i) =>
    samples.subarray(Math.floor((i * samples.length) / count), Math.floor(((i + 1) * samples.length) / count)),
  ).filter((piece) => level(piece) >= QUIETEST_LEVEL);
}

/** A sound again and again, whole, until it lasts `least` samples or more. */
export function repeatToLength(samples: Float32Array, least: number): Float32Array {
  const times = Math.max(1, Math.ceil(least / samples.length));
  const out = new Float32Array(times * samples.length);
  for (let i = 0; i < times; i++) out.set(samples, i * samples.length);
  return out;
}
