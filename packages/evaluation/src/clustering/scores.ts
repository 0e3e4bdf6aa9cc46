/** All measures of how well clips of one class lie together, for one form of their histograms. */
import { type Metric, purity, silhouetteSamples } from "./clustering.ts";
import { kMeansRuns } from "./kmeans-start.ts";
import { type Matrix, type Normalization, normalizeRows } from "./matrix.ts";
import { nearestNeighbours } from "./nearest-neighbour.ts";

export interface ClusterScores {
  readonly normalization: Normalization;
  /** Of every clip. */
  readonly silhouettes: Readonly<Record<Metric, Float64Array>>;
  /** Index of every clip's nearest other clip. */
  readonly neighbours: Readonly<Record<Metric, Int32Array>>;
  /** Clusters of the k-means run with the least inertia. */
  readonly clusters: Int32Array;
  /** Purity of every run, in the order of their starts. */
  readonly purities: readonly number[];
}

export interface ScoreOptions {
  /** k-means starts. */
  readonly runs: number;
  readonly seed: number;
}

/** @param counts [clips, codes]. @throws EvaluationError as {@link silhouetteSamples}. */
export function clusterScores(
  counts: Matrix,
  labels: readonly string[],
  normalization: Normalization,
  { runs, seed }: ScoreOptions,
): ClusterScores {
  const rows = normalizeRows(counts, normalization);
  const results = kMeansRuns(rows, new Set(labels).size, { runs, seed });
  const best = results.reduce((least, result) => (result.inertia < least.inertia ? result : least));
  return {
    normalization,
    silhouettes: {
      euclidean: silhouetteSamples(rows, labels, "euclidean"),
      cosine: silhouetteSamples(rows, labels, "cosine"),
    },
    neighbours: { euclidean: nearestNeighbours(rows, "euclidean"), cosine: nearestNeighbours(rows, "cosine") },
    clusters: best.labels,
    purities: results.map((result) => purity(result.labels, labels)),
  };
}

/** `counts[true class][predicted class]`. */
export function confusion(truth: readonly number[], predicted: readonly number[], classes: number): number[][] {
  const table = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [i, row] of truth.entries()) table[row]![predicted[i]!]!++;
  return table;
}

/** Only the codes that occur: the others would be columns of zeros. */
export function usedColumns(counts: Matrix): Matrix {
  const used: number[] = [];
  for (let j = 0; j < counts.columns; j++) {
    for (let i = 0; i < counts.rows; i++) {
      if (counts.data[i * counts.columns + j] !== 0) {
        used.push(j);
        break;
      }
    }
  }
  const data = new Float64Array(counts.rows * used.length);
  for (let i = 0; i < counts.rows; i++)
    for (const [k, j] of used.entries()) data[i * used.length + k] = counts.data[i * counts.columns + j]!;
  return { rows: counts.rows, columns: used.length, data };
}
