/** Test helper: the clips of tests/fixtures/audio-metrics/scores.json and their distorted copies, by the same formulas. */
import { readFileSync } from "node:fs";
import { decodeAudio, memorySource } from "@uat/audio";
import { fixtureJson } from "../fixtures.ts";

export interface Scores {
  readonly dnsmos: { readonly sig: number; readonly bak: number; readonly ovrl: number; readonly p808: number };
  readonly distillmos: number;
  readonly partials: number;
  readonly embedding: readonly number[];
}
export interface PairScores {
  readonly energy: number;
  readonly stoi: number;
  readonly estoi: number;
  readonly siSdr: number;
  readonly melDistance: number;
  readonly melCepstralDistortion: number;
}
interface Clip {
  readonly files: readonly string[];
  readonly samples: number;
  readonly energy: number;
  readonly original: Scores;
  /** With small networks in the place of the packages' own. */
  readonly small: Pick<Scores, "dnsmos" | "embedding" | "distillmos">;
  readonly copies: Readonly<Record<string, PairScores>>;
  readonly scores: Readonly<Record<string, Scores>>;
}

export const RATE = 16000;
export const goldens = fixtureJson<{ clips: Readonly<Record<string, Clip>> }>("audio-metrics/scores.json");

/** The samples of a clip, its files one after the other. */
export async function readClip(name: string): Promise<Float32Array> {
  const clip = goldens.clips[name] as Clip;
  const out = new Float32Array(clip.samples);
  let at = 0;
  for (const file of clip.files) {
    const bytes = new Uint8Array(readFileSync(new URL(`../../../../${file}`, import.meta.url)));
    const { channels } = await decodeAudio(memorySource(bytes, file));
    out.set(channels[0] as Float32Array, at);
    at += (channels[0] as Float32Array).length;
  }
  return checked(out, clip.energy, name);
}

/**
 * Where the networks of the metrics lie, if they do: `UAT_METRICS=DIR` runs the comparisons with them as well. Without
 * it the same code is compared with the packages' scores by small networks.
 */
export const METRICS_FOLDER = process.env.UAT_METRICS;

/** @throws when the samples are not those that the golden was made from. */
function checked(samples: Float32Array, energy: number, name: string): Float32Array {
  const got = samples.reduce((sum, v) => sum + v * v, 0);
  if (Math.abs(got / energy - 1) > 1e-5) throw new Error(`${name}: energy ${got}, the golden's samples have ${energy}`);
  return samples;
}

function* uniform(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 31 - 1;
  }
}

const noisy = (x: Float64Array, amount: number, seed: number, at = (_: number) => true) => {
  const noise = uniform(seed);
  return x.map((v, i) => {
    const n = noise.next().value;
    return at(i) ? v + amount * n : v;
  });
};
const peak = (x: Float64Array) => x.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

const DISTORTIONS: Readonly<Record<string, (x: Float64Array) => Float64Array>> = {
  "noise 0.002": (x) => noisy(x, 0.002, 1),
  "noise 0.02": (x) => noisy(x, 0.02, 2),
  "noise 0.1": (x) => noisy(x, 0.1, 3),
  limited(x) {
    const level = 0.1 * peak(x);
    return x.map((v) => Math.min(Math.max(v, -level), level));
  },
  dull(x) {
    const totals = new Float64Array(x.length + 1);
    for (const [i, v] of x.entries()) totals[i + 1] = (totals[i] as number) + v;
    return x.map((_, i) => ((totals[i + 1] as number) - (totals[Math.max(i - 11, 0)] as number)) / 12);
  },
  coarse: (x) => x.map((v) => Math.floor(v * 32 + 0.5) / 32),
  gaps: (x) => x.map((v, i) => (Math.floor(i / 320) % 4 === 3 ? 0 : v)),
  "late and quiet": (x) => x.map((_, i) => 0.4 * (x[i - 100] ?? 0)),
  tremolo: (x) => x.map((v, i) => v * (1 + 0.8 * Math.sin((2 * Math.PI * 6 * i) / RATE))),
  "noise in bursts": (x) => noisy(x, 0.1, 4, (i) => Math.floor(i / 4000) % 3 === 1),
  lower: (x) =>
    x.map((_, i) => {
      const whole = Math.floor(i * 0.9);
      const below = x[whole] as number;
      return below + (i * 0.9 - whole) * ((x[Math.min(whole + 1, x.length - 1)] as number) - below);
    }),
};

/** A distorted copy of a clip of the goldens. */
export function distorted(name: string, distortion: string, samples: Float32Array): Float32Array {
  const clip = goldens.clips[name] as Clip;
  const make = DISTORTIONS[distortion] as (x: Float64Array) => Float64Array;
  const copy = Float32Array.from(make(Float64Array.from(samples)));
  return checked(
    copy,
    clip.copies[distortion]?.energy ?? copy.reduce((s, v) => s + v * v, 0),
    `${name}, ${distortion}`,
  );
}
