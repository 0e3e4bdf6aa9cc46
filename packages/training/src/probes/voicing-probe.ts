/** Whether there is a voice at a token, told by softmax regression on the token's vector. */
import { TrainingError } from "../errors.ts";
import { type CodeVectors, countCodes, standardizeByUse } from "./code-vectors.ts";
import type { PitchClip } from "./frame-probes.ts";
import { classify, fitSoftmax } from "./softmax-regression.ts";

/** Tokens of a clip, and how many of them were taken for the other kind. */
export interface VoicingErrors {
  readonly tokens: number;
  readonly voiced: number;
  readonly errors: number;
}

export interface VoicingProbeResult {
  /** Shares of tokens told wrong. */
  readonly train: number;
  readonly heldOut: number;
  /** Held-out clips, one by one. */
  readonly clips: readonly VoicingErrors[];
}

const PENALTY = 1e-3;

/**
 * Learns from some clips which codes are voiced and tells it of others.
 * @throws TrainingError when a side has no tokens, or the clips learnt from are all voiced or all unvoiced.
 */
export function voicingProbe(
  codebook: CodeVectors,
  train: readonly PitchClip[],
  heldOut: readonly PitchClip[],
): VoicingProbeResult {
  const { size, dimension } = codebook;
  const counts = countCodes(
    train.map(({ codes }) => codes),
    size,
  );
  countCodes(
    heldOut.map(({ codes }) => codes),
    size,
  );
  // a code's tokens share its vector: one row a code, counting as often as it is unvoiced and voiced
  const weights = new Float64Array(size * 2);
  for (const { codes, f0 } of train)
    for (let t = 0; t < codes.length; t++) weights[codes[t]! * 2 + (f0[t]! > 0 ? 1 : 0)]!++;
  const [unvoiced, voiced] = [0, 1].map((c) => weights.reduce((sum, w, i) => (i % 2 === c ? sum + w : sum), 0));
  if (!unvoiced || !voiced)
    throw new TrainingError(`${voiced} voiced and ${unvoiced} unvoiced tokens to learn from; expected some of both`);
  const { data } = standardizeByUse(codebook, counts);
  const columns = Int32Array.from({ length: dimension }, (_, j) => j);
  const used = [...counts.keys()].filter((k) => counts[k]! > 0);
  const rowOf = (k: number) => ({ columns, values: data.subarray(k * dimension, (k + 1) * dimension) });
  const classifier = fitSoftmax(
    {
      rows: used.map(rowOf),
      columns: dimension,
      classes: 2,
      weights: used.flatMap((k) => [weights[2 * k]!, weights[2 * k + 1]!]),
    },
    PENALTY,
  );
  const isVoiced = Array.from({ length: size }, (_, k) => classify(classifier, rowOf(k)) === 1);
  const told = (clips: readonly PitchClip[]) =>
    clips.map(({ codes, f0 }): VoicingErrors => {
      let [voicedTokens, errors] = [0, 0];
      for (let t = 0; t < codes.length; t++) {
        if (f0[t]! > 0) voicedTokens++;
        if (f0[t]! > 0 !== isVoiced[codes[t]!]) errors++;
      }
      return { tokens: codes.length, voiced: voicedTokens, errors };
    });
  const clips = told(heldOut);
  if (!clips.some(({ tokens }) => tokens > 0)) throw new TrainingError("no held-out clip has tokens; expected some");
  return { train: voicingError(told(train)), heldOut: voicingError(clips), clips };
}

/** Share of all tokens told wrong. */
export function voicingError(clips: readonly VoicingErrors[]): number {
  const sum = (key: keyof VoicingErrors) => clips.reduce((n, clip) => n + clip[key], 0);
  return sum("errors") / sum("tokens");
}
