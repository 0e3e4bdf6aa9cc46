/**
 * What the codes say of a whole clip: its sound class or its speaker's gender, by softmax regression on one vector a
 * clip, either the mean of its tokens' vectors or the square roots of its histogram over the codes.
 */
import { TrainingError } from "../errors.ts";
import { type CodeVectors, countCodes, standardizationOf } from "./code-vectors.ts";
import { assignFolds } from "./folds.ts";
import { classify, fitSoftmax, type SparseRow } from "./softmax-regression.ts";

export interface ClassifiedClip {
  readonly codes: ArrayLike<number>;
  readonly label: string;
  /** Clips of a group are never both learnt from and measured, e.g. those of one speaker. */
  readonly group?: string | undefined;
}

export type ClipFeatures = "mean" | "histogram";

/** What a clip is and what it was taken for. */
export interface Classification {
  readonly label: string;
  readonly predicted: string;
}

export interface ClipProbeResult {
  /** Share of the clips learnt from that are told right (over all folds), and of those that were not. */
  readonly train: number;
  readonly heldOut: number;
  /** In the order of the measured clips. */
  readonly clips: readonly Classification[];
}

/** For vectors of unit deviation, and for rows of unit length; found on sounds of games, the same for all data. */
const PENALTY: Readonly<Record<ClipFeatures, number>> = { mean: 0.1, histogram: 0.001 };

/**
 * Learns labels from some clips and tells those of others.
 * @throws TrainingError when a side is empty or the clips learnt from have fewer than two labels.
 */
export function clipProbe(
  codebook: CodeVectors,
  train: readonly ClassifiedClip[],
  heldOut: readonly ClassifiedClip[],
  features: ClipFeatures,
): ClipProbeResult {
  const labels = [...new Set(train.map(({ label }) => label))].sort();
  if (labels.length < 2)
    throw new TrainingError(`${train.length} clips to learn from have ${labels.length} labels; expected two or more`);
  if (heldOut.length === 0) throw new TrainingError("no clips are left to measure; expected at least one");
  for (const [i, clip] of [...train, ...heldOut].entries()) {
    countCodes([clip.codes], codebook.size);
    if (clip.codes.length === 0) throw new TrainingError(`clip ${i} has no tokens; expected at least one a clip`);
  }
  const rowOf = featureRows(codebook, train, features);
  const rows = train.map(rowOf);
  const weights = new Float64Array(train.length * labels.length);
  for (const [i, { label }] of train.entries()) weights[i * labels.length + labels.indexOf(label)] = 1;
  const columns = features === "mean" ? codebook.dimension : codebook.size;
  const classifier = fitSoftmax({ rows, columns, classes: labels.length, weights }, PENALTY[features]);
  const told = (row: SparseRow) => labels[classify(classifier, row)] as string;
  const clips = heldOut.map((clip) => ({ label: clip.label, predicted: told(rowOf(clip)) }));
  return {
    train: rows.filter((row, i) => told(row) === train[i]!.label).length / train.length,
    heldOut: clips.filter(({ label, predicted }) => label === predicted).length / clips.length,
    clips,
  };
}

export interface CrossValidation {
  /** 5 by default. */
  readonly folds?: number | undefined;
  /** Decides which clip is in which fold; 1 by default. */
  readonly seed?: number | undefined;
  /** Told before each fold how many are done; may throw to stop. A fold takes up to a minute, in one piece. */
  readonly onFold?: ((done: number) => void) | undefined;
}

/**
 * The same by cross-validation: every clip is measured once, by a classifier that learnt from the other folds.
 * @throws TrainingError when fewer than two labels, or fewer groups than folds, are given.
 */
export async function crossValidatedClipProbe(
  codebook: CodeVectors,
  clips: readonly ClassifiedClip[],
  features: ClipFeatures,
  { folds = 5, seed = 1, onFold }: CrossValidation = {},
): Promise<ClipProbeResult> {
  const groups = new Set(clips.map(({ group }, i) => group ?? i)).size;
  if (groups < folds)
    throw new TrainingError(`${groups} clips or groups of clips for ${folds} folds; expected at least one a fold`);
  const assigned = assignFolds(clips, folds, seed);
  const told: Classification[] = new Array(clips.length);
  let train = 0;
  for (let fold = 0; fold < folds; fold++) {
    // lets signals be seen
    await new Promise((resolve) => setImmediate(resolve));
    onFold?.(fold);
    const measured = [...clips.keys()].filter((i) => assigned[i] === fold);
    const result = clipProbe(
      codebook,
      clips.filter((_, i) => assigned[i] !== fold),
      measured.map((i) => clips[i] as ClassifiedClip),
      features,
    );
    for (const [k, i] of measured.entries()) told[i] = result.clips[k] as Classification;
    train += result.train / folds;
  }
  return { train, heldOut: told.filter((c) => c.label === c.predicted).length / told.length, clips: told };
}

/** A clip's row, scaled by what the clips learnt from are like. */
function featureRows(
  codebook: CodeVectors,
  train: readonly ClassifiedClip[],
  features: ClipFeatures,
): (clip: ClassifiedClip) => SparseRow {
  const { size, dimension } = codebook;
  const histogram = ({ codes }: ClassifiedClip) => countCodes([codes], size);
  if (features === "histogram") {
    return (clip) => {
      const counts = histogram(clip);
      const columns = [...counts.keys()].filter((code) => counts[code]! > 0);
      return { columns, values: columns.map((code) => Math.sqrt(counts[code]! / clip.codes.length)) };
    };
  }
  const meanOf = (clip: ClassifiedClip): Float32Array => {
    const mean = new Float32Array(dimension);
    for (let t = 0; t < clip.codes.length; t++) {
      const at = clip.codes[t]! * dimension;
      for (let j = 0; j < dimension; j++) mean[j]! += codebook.data[at + j]! / clip.codes.length;
    }
    return mean;
  };
  const means = new Float32Array(train.length * dimension);
  for (const [i, clip] of train.entries()) means.set(meanOf(clip), i * dimension);
  const { mean, scale } = standardizationOf(
    { size: train.length, dimension, data: means },
    train.map(() => 1),
  );
  const columns = Int32Array.from({ length: dimension }, (_, j) => j);
  return (clip) => ({ columns, values: Float64Array.from(meanOf(clip), (v, j) => (v - mean[j]!) * scale[j]!) });
}
