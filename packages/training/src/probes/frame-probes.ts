/**
 * What the codes say of each moment: pitch and loudness by ridge regression from a token's vector. A token's vector is
 * one of the codebook's rows, so the regression needs only how often each code occurs and the mean of its targets.
 */
import { TrainingError } from "../errors.ts";
import { type CodeVectors, countCodes, standardizeByUse } from "./code-vectors.ts";
import { ridge } from "./ridge.ts";

/** A clip with one target a token. */
export interface TargetClip {
  readonly codes: ArrayLike<number>;
  /** [tokens], NaN where there is no target: those tokens are neither fitted nor measured. */
  readonly targets: ArrayLike<number>;
}

/** How targets and predictions agree over all tokens with a target. */
export interface Agreement {
  /** Pearson's correlation; NaN when one side does not vary. */
  readonly correlation: number;
  /** The same after each clip's means are taken off: what is left when voices and levels are known. */
  readonly correlationWithin: number;
  /** Root mean square error, in units of the targets. */
  readonly rmse: number;
  /** Tokens with a target. */
  readonly tokens: number;
  /** Clip by clip, for intervals; clips without a target have no tokens. */
  readonly clips: readonly ClipMoments[];
}

/** Sums over a clip's tokens: of target t and prediction p. */
export interface ClipMoments {
  readonly tokens: number;
  readonly t: number;
  readonly p: number;
  readonly tt: number;
  readonly pp: number;
  readonly tp: number;
}

export interface RegressionProbeResult {
  readonly train: Agreement;
  readonly heldOut: Agreement;
}

/** Penalty a token, for vectors of unit deviation: enough that no direction is ill-defined, too little to bias. */
const PENALTY = 1e-3;

/**
 * Fits a linear map from vectors to targets on some clips and measures it on others.
 * @throws TrainingError when tokens and targets are not as many, or a side has no targets.
 */
export function regressionProbe(
  codebook: CodeVectors,
  train: readonly TargetClip[],
  heldOut: readonly TargetClip[],
): RegressionProbeResult {
  const { size, dimension } = codebook;
  for (const [name, clips] of Object.entries({ training: train, "held-out": heldOut })) checkClips(name, clips, size);
  const counts = new Float64Array(size);
  const means = new Float64Array(size);
  for (const { codes, targets } of train) {
    for (let t = 0; t < codes.length; t++) {
      if (Number.isNaN(targets[t])) continue;
      counts[codes[t]!]!++;
      means[codes[t]!]! += targets[t]!;
    }
  }
  for (let k = 0; k < size; k++) if (counts[k]! > 0) means[k]! /= counts[k]!;
  const { data } = standardizeByUse(codebook, counts);
  const penalty = PENALTY * counts.reduce((a, b) => a + b, 0);
  // rows that share their vector pull on the map as their mean, as often, would
  const { coefficients, intercept } = ridge({ columns: dimension, x: data, y: means, weights: counts }, penalty);
  const predictions = Float64Array.from({ length: size }, (_, k) => {
    let sum = intercept;
    for (let j = 0; j < dimension; j++) sum += coefficients[j]! * data[k * dimension + j]!;
    return sum;
  });
  return { train: agreement(train, predictions), heldOut: agreement(heldOut, predictions) };
}

/**
 * How well the pitch of voiced tokens can be read off, in cents.
 * @param train clips with f0 in Hz a token, 0 where there is no voice ({@link tokenPitch}).
 */
export function pitchProbe(
  codebook: CodeVectors,
  train: readonly PitchClip[],
  heldOut: readonly PitchClip[],
): RegressionProbeResult {
  const inCents = (clips: readonly PitchClip[]) =>
    clips.map(({ codes, f0 }) => ({
      codes,
      targets: Float64Array.from(f0, (hz) => (hz > 0 ? 1200 * Math.log2(hz / 100) : Number.NaN)),
    }));
  return regressionProbe(codebook, inCents(train), inCents(heldOut));
}

export interface PitchClip {
  readonly codes: ArrayLike<number>;
  /** Hz a token, 0 where there is no voice. */
  readonly f0: ArrayLike<number>;
}

function checkClips(name: string, clips: readonly TargetClip[], size: number): void {
  countCodes(
    clips.map(({ codes }) => codes),
    size,
  );
  for (const [i, { codes, targets }] of clips.entries())
    if (codes.length !== targets.length)
      throw new TrainingError(`${name} clip ${i} has ${codes.length} tokens and ${targets.length} targets`);
  if (!clips.some(({ targets }) => Array.from(targets).some((v) => !Number.isNaN(v))))
    throw new TrainingError(`no token of the ${name} clips has a target; expected some (is there a voice in them?)`);
}

/** @param predictions one for each code. */
function agreement(clips: readonly TargetClip[], predictions: Float64Array): Agreement {
  const moments = clips.map(({ codes, targets }) => {
    const sums = { tokens: 0, t: 0, p: 0, tt: 0, pp: 0, tp: 0 };
    for (let i = 0; i < codes.length; i++) {
      const t = targets[i]!;
      if (Number.isNaN(t)) continue;
      const p = predictions[codes[i]!]!;
      sums.tokens++;
      sums.t += t;
      sums.p += p;
      sums.tt += t * t;
      sums.pp += p * p;
      sums.tp += t * p;
    }
    return sums;
  });
  return { ...agreementOf(moments), clips: moments };
}

/** Figures from the sums of several clips. */
export function agreementOf(clips: readonly ClipMoments[]): Omit<Agreement, "clips"> {
  const all = { tokens: 0, t: 0, p: 0, tt: 0, pp: 0, tp: 0 };
  const within = { tt: 0, pp: 0, tp: 0 };
  for (const clip of clips) {
    if (clip.tokens === 0) continue;
    for (const key of Object.keys(all) as (keyof typeof all)[]) all[key] += clip[key];
    within.tt += clip.tt - clip.t ** 2 / clip.tokens;
    within.pp += clip.pp - clip.p ** 2 / clip.tokens;
    within.tp += clip.tp - (clip.t * clip.p) / clip.tokens;
  }
  const { tokens, t, p, tt, pp, tp } = all;
  const correlation = (c: { tt: number; pp: number; tp: number }) =>
    c.tt > 0 && c.pp > 0 ? c.tp / Math.sqrt(c.tt * c.pp) : Number.NaN;
  return {
    correlation: correlation({ tt: tt - t ** 2 / tokens, pp: pp - p ** 2 / tokens, tp: tp - (t * p) / tokens }),
    correlationWithin: correlation(within),
    rmse: Math.sqrt(Math.max(0, tt - 2 * tp + pp) / tokens),
    tokens,
  };
}
