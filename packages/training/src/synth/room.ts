/**
 * Distance and rooms. A sound's direct path arrives first and unchanged; after it comes a tail of noise that decays by
 * 60 dB within the reverberation time (Polack's model: J.-D. Polack, "La transmission de l'énergie sonore dans les
 * salles", 1988), the high frequencies sooner. How near a source seems is told by the ratio of direct to reverberant
 * energy (P. Zahorik, "Direct-to-reverberant energy ratio sensitivity", JASA 112, 2002), by level, and by the highs that
 * air and obstacles take away.
 */
import type { Random } from "../random.ts";
import { convolve } from "./convolve.ts";
import { energy, scaled } from "./levels.ts";

/** `medium` is what nobody would remark on. */
export type Distance = "near" | "medium" | "far";

/** Direct-to-reverberant energy ratios in dB that are drawn from, by distance. */
export const DIRECT_TO_REVERBERANT: Readonly<Record<Distance, readonly [number, number]>> = {
  near: [12, 20],
  medium: [4, 9],
  far: [-8, -2],
};

/** Cut-off frequencies in Hz of what reaches the listener from afar. */
export const FAR_CUTOFF: readonly [number, number] = [1500, 3000];

/** Milliseconds between the direct sound and the tail's first sample. */
const PRE_DELAY = 6;
/** The tail loses its highs: one-pole low-pass at this frequency, Hz. */
const TAIL_CUTOFF = 4000;

/** The tail of a room without its direct path, of unit energy: 1.1 reverberation times long. */
export function reverberantTail(seconds: number, sampleRate: number, random: Random): Float32Array {
  const delay = Math.round((PRE_DELAY / 1000) * sampleRate);
  const tail = new Float32Array(delay + Math.ceil(1.1 * seconds * sampleRate));
  const keep = Math.exp((-2 * Math.PI * TAIL_CUTOFF) / sampleRate);
  let last = 0;
  for (let i = delay; i < tail.length; i++) {
    last = (1 - keep) * random.normal() + keep * last;
    // 60 dB of energy: a factor of 1000 in amplitude
    tail[i] = last * Math.exp((-Math.log(1000) * (i - delay)) / (seconds * sampleRate));
  }
  return scaled(tail, 1 / Math.sqrt(energy(tail)));
}

/** Second-order Butterworth low-pass, 12 dB an octave above `cutoff` Hz (bilinear transform). */
export function lowPass(samples: Float32Array, cutoff: number, sampleRate: number): Float32Array {
  const k = Math.tan((Math.PI * Math.min(cutoff, 0.45 * sampleRate)) / sampleRate);
  const norm = 1 / (1 + Math.SQRT2 * k + k * k);
  const b = k * k * norm;
  const a1 = 2 * (k * k - 1) * norm;
  const a2 = (1 - Math.SQRT2 * k + k * k) * norm;
  const out = new Float32Array(samples.length);
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < out.length; i++) {
    const x = samples[i]!;
    const y = b * (x + 2 * x1 + x2) - a1 * y1 - a2 * y2;
    [x2, x1, y2, y1] = [x1, x, y1, y];
    out[i] = y;
  }
  return out;
}

/** How a source reaches the listener. */
export interface Path {
  readonly distance: Distance;
  /** Seconds the room takes to decay by 60 dB; undefined for no room at all. */
  readonly reverberationTime: number | undefined;
  /** Direct-to-reverberant ratio in dB; undefined for no room. */
  readonly directToReverberant: number | undefined;
  /** Hz; undefined where nothing is filtered. */
  readonly cutoff: number | undefined;
}

/** Draws a path. Distant sources need a room, by which they are heard to be distant. */
export function drawPath(distance: Distance, reverberationTime: number | undefined, random: Random): Path {
  const [low, high] = DIRECT_TO_REVERBERANT[distance];
  return {
    distance,
    reverberationTime,
    directToReverberant: reverberationTime === undefined ? undefined : random.uniform(low, high),
    cutoff: distance === "far" ? random.uniform(...FAR_CUTOFF) : undefined,
  };
}

/** What reaches the listener: `direct` has the input's length, `wet` (direct and tail together) may be longer. */
export interface Heard {
  readonly direct: Float32Array;
  readonly wet: Float32Array;
}

/** Sends a dry sound along a path. The ratio of `direct` to `wet` − `direct` is exactly the path's. */
export function travel(dry: Float32Array, path: Path, sampleRate: number, random: Random): Heard {
  const direct = path.cutoff === undefined ? dry : lowPass(dry, path.cutoff, sampleRate);
  if (path.reverberationTime === undefined || path.directToReverberant === undefined) return { direct, wet: direct };
  const tail = convolve(direct, reverberantTail(path.reverberationTime, sampleRate, random));
  const scale = Math.sqrt(energy(direct) / (energy(tail) || 1)) * 10 ** (-path.directToReverberant / 20);
  const wet = scaled(tail, scale);
  for (let i = 0; i < direct.length; i++) wet[i] = wet[i]! + direct[i]!;
  return { direct, wet };
}
