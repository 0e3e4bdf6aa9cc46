/**
 * How much of the melody of speech is kept: fundamental frequency, voicing and loudness of a copy beside the original's,
 * frame by frame (10 ms). Copy and original begin together; of different lengths, the shorter one counts.
 */
import { frameEnergy, resample, trackPitch } from "@uat/audio";
import { addPairSums, correlation, type PairSums, pairSums } from "./correlation.ts";

const RATE = 16000;
const HOP = 160;
/** A pitch is grossly wrong from this relative error on (Rabiner et al., 1976, took 1 ms; 20 % is what papers state). */
const GROSS = 0.2;
/** Frames this far below the original's loudest one are not compared in loudness. */
const QUIET_DB = 50;

/** Counts and sums of one clip; {@link joinPitch} pools clips. */
export interface PitchComparison {
  /** Frames compared. */
  readonly frames: number;
  /** Frames with a voice in the original, and those with a voice in both. */
  readonly voiced: number;
  readonly voicedBoth: number;
  /** Frames voiced in one and not in the other. */
  readonly voicingErrors: number;
  /** Frames voiced in both whose pitches differ by more than 20 % of the original's. */
  readonly grossErrors: number;
  /** Of the natural logarithms of f0 (Hz) in frames voiced in both. */
  readonly logF0: PairSums;
  /** Of the levels (dB) in frames that are not silent in the original. */
  readonly level: PairSums;
  /** Sums of f0 (Hz) over each side's own voiced frames. */
  readonly referenceF0: { readonly sum: number; readonly n: number };
  readonly degradedF0: { readonly sum: number; readonly n: number };
}

/**
 * @param reference the original, @param degraded its copy: mono.
 * @param sampleRate Hz of both.
 */
export function comparePitch(reference: Float32Array, degraded: Float32Array, sampleRate: number): PitchComparison {
  const [a, b] = [reference, degraded].map((s) => (sampleRate === RATE ? s : resample(s, sampleRate, RATE))) as [
    Float32Array,
    Float32Array,
  ];
  const options = { sampleRate: RATE, hop: HOP };
  const [fa, fb] = [trackPitch(a, options), trackPitch(b, options)];
  const frames = Math.min(fa.length, fb.length);
  const [la, lb] = [levels(a), levels(b)];
  const loudest = la.reduce((m, v) => Math.max(m, v), Number.NEGATIVE_INFINITY);
  const [x, y, u, v]: number[][] = [[], [], [], []] as never;
  let [voiced, voicingErrors, grossErrors] = [0, 0, 0];
  for (let t = 0; t < frames; t++) {
    const p = fa[t] as number;
    const q = fb[t] as number;
    if (p > 0) voiced++;
    if (p > 0 !== q > 0) voicingErrors++;
    else if (p > 0) {
      x?.push(Math.log(p));
      y?.push(Math.log(q));
      if (Math.abs(q / p - 1) > GROSS) grossErrors++;
    }
    if ((la[t] as number) > loudest - QUIET_DB) {
      u?.push(la[t] as number);
      v?.push(lb[t] as number);
    }
  }
  return {
    frames,
    voiced,
    voicedBoth: x?.length ?? 0,
    voicingErrors,
    grossErrors,
    logF0: pairSums(x ?? [], y ?? []),
    level: pairSums(u ?? [], v ?? []),
    referenceF0: sumVoiced(fa),
    degradedF0: sumVoiced(fb),
  };
}

/** Level of each frame in dB of full scale, not below −100. */
const levels = (samples: Float32Array): Float32Array =>
  frameEnergy(samples, { hop: HOP }).map((rms) => 20 * Math.log10(Math.max(rms, 1e-5)));

function sumVoiced(f0: Float32Array): { sum: number; n: number } {
  let [sum, n] = [0, 0];
  for (const f of f0)
    if (f > 0) {
      sum += f;
      n++;
    }
  return { sum, n };
}

/** Several clips as one. */
export function joinPitch(clips: readonly PitchComparison[]): PitchComparison {
  const sum = (key: "frames" | "voiced" | "voicedBoth" | "voicingErrors" | "grossErrors") =>
    clips.reduce((s, c) => s + c[key], 0);
  const joined = (key: "referenceF0" | "degradedF0") => ({
    sum: clips.reduce((s, c) => s + c[key].sum, 0),
    n: clips.reduce((s, c) => s + c[key].n, 0),
  });
  return {
    frames: sum("frames"),
    voiced: sum("voiced"),
    voicedBoth: sum("voicedBoth"),
    voicingErrors: sum("voicingErrors"),
    grossErrors: sum("grossErrors"),
    logF0: addPairSums(clips.map((c) => c.logF0)),
    level: addPairSums(clips.map((c) => c.level)),
    referenceF0: joined("referenceF0"),
    degradedF0: joined("degradedF0"),
  };
}

/** Pearson correlation of log f0 over frames voiced in both; NaN where there are not two, or a pitch never moves. */
export const f0CorrelationOf = (c: PitchComparison): number => correlation(c.logF0);
/** Share of all frames that are voiced in one and unvoiced in the other; NaN without frames. */
export const voicingErrorOf = (c: PitchComparison): number => c.voicingErrors / c.frames;
/** Share of the frames voiced in both whose pitches differ by more than 20 %; NaN where there are none. */
export const grossPitchErrorOf = (c: PitchComparison): number => c.grossErrors / c.voicedBoth;
/** Pearson correlation of the frames' levels in dB. */
export const energyCorrelationOf = (c: PitchComparison): number => correlation(c.level);

type PairMetric = (reference: Float32Array, degraded: Float32Array, sampleRate: number) => number;
const metric =
  (of: (c: PitchComparison) => number): PairMetric =>
  (reference, degraded, sampleRate) =>
    of(comparePitch(reference, degraded, sampleRate));

/** {@link f0CorrelationOf} of one clip. */
export const f0Correlation: PairMetric = metric(f0CorrelationOf);
/** {@link voicingErrorOf} of one clip. */
export const voicingError: PairMetric = metric(voicingErrorOf);
/** {@link grossPitchErrorOf} of one clip. */
export const grossPitchError: PairMetric = metric(grossPitchErrorOf);
/** {@link energyCorrelationOf} of one clip. */
export const energyCorrelation: PairMetric = metric(energyCorrelationOf);
