/**
 * Do clips of one class have like codes? Silhouette (Rousseeuw, 1987) with the true classes as clusters, and purity of
 * k-means clusters (Lloyd, 1982). Everything in float64; histograms are mostly zeros, so products visit non-zeros only.
 */
import { EvaluationError } from "../errors.ts";
import type { Matrix } from "./matrix.ts";
import { dot, nonZeros, squaredLengths } from "./sparse.ts";

export type Metric = "euclidean" | "cosine";

/** Labels as 0, 1, … in order of appearance. */
function compactLabels(labels: ArrayLike<number | string>, rows: number): { ids: Int32Array; classes: number } {
  if (labels.length !== rows) throw new EvaluationError(`${labels.length} labels for ${rows} rows; expected as many`);
  const known = new Map<number | string, number>();
  const ids = Int32Array.from({ length: rows }, (_, i) => {
    const label = labels[i]!;
    let id = known.get(label);
    if (id === undefined) known.set(label, (id = known.size));
    return id;
  });
  return { ids, classes: known.size };
}

/**
 * Silhouette of every row: (b − a) / max(a, b), a the mean distance to its own cluster's other rows, b that to the
 * nearest other cluster; 0 for a row alone in its cluster. Cosine distance of a row of zeros is 1 to all.
 * @throws EvaluationError unless there are 2 … rows − 1 different labels.
 */
export function silhouetteSamples(
  m: Matrix,
  labels: ArrayLike<number | string>,
  metric: Metric = "euclidean",
): Float64Array {
  const { ids, classes } = compactLabels(labels, m.rows);
  if (classes < 2 || classes >= m.rows)
    throw new EvaluationError(`${classes} different labels on ${m.rows} rows; expected 2 to ${m.rows - 1}`);
  const used = nonZeros(m);
  const squares = squaredLengths(m, used);
  const sums = new Float64Array(m.rows * classes);
  const sizes = new Int32Array(classes);
  for (let i = 0; i < m.rows; i++) {
    sizes[ids[i]!]!++;
    for (let j = 0; j < i; j++) {
      const [a, b] = used[i]!.length < used[j]!.length ? [i, j] : [j, i];
      const product = dot(used[a]!, m.data, a * m.columns, m.data, b * m.columns);
      const distance =
        metric === "euclidean"
          ? Math.sqrt(Math.max(0, squares[i]! + squares[j]! - 2 * product))
          : 1 - (product === 0 ? 0 : product / Math.sqrt(squares[i]! * squares[j]!));
      sums[i * classes + ids[j]!]! += distance;
      sums[j * classes + ids[i]!]! += distance;
    }
  }
  return Float64Array.from({ length: m.rows }, (_, i) => {
    const own = ids[i]!;
    if (sizes[own] === 1) return 0;
    const within = sums[i * classes + own]! / (sizes[own]! - 1);
    let nearest = Number.POSITIVE_INFINITY;
    for (let c = 0; c < classes; c++) {
      if (c !== own) nearest = Math.min(nearest, sums[i * classes + c]! / sizes[c]!);
    }
    const larger = Math.max(within, nearest);
    return larger === 0 ? 0 : (nearest - within) / larger;
  });
}

/** Mean silhouette of all rows, −1 … 1. @throws EvaluationError as {@link silhouetteSamples}. */
export function silhouette(m: Matrix, labels: ArrayLike<number | string>, metric: Metric = "euclidean"): number {
  return silhouetteSamples(m, labels, metric).reduce((s, v) => s + v, 0) / m.rows;
}

/** Share of rows that carry the commonest label of their cluster, 0 … 1. */
export function purity(clusters: ArrayLike<number>, labels: ArrayLike<number | string>): number {
  const byCluster = new Map<number, Map<number | string, number>>();
  if (clusters.length !== labels.length || labels.length === 0)
    throw new EvaluationError(
      `${clusters.length} clusters and ${labels.length} labels; expected as many, at least one`,
    );
  for (let i = 0; i < labels.length; i++) {
    const counts = byCluster.get(clusters[i]!) ?? new Map<number | string, number>();
    byCluster.set(clusters[i]!, counts.set(labels[i]!, (counts.get(labels[i]!) ?? 0) + 1));
  }
  let agreeing = 0;
  for (const counts of byCluster.values()) agreeing += Math.max(...counts.values());
  return agreeing / labels.length;
}

export interface KMeansResult {
  /** Cluster of every row. */
  readonly labels: Int32Array;
  /** [k, columns]. */
  readonly centres: Matrix;
  /** Σ squared distance of the rows to their centres. */
  readonly inertia: number;
  /** Passes made, the last one without change included. */
  readonly iterations: number;
}

/**
 * Lloyd's algorithm until no row changes its cluster. A tie goes to the centre of the lowest index; a cluster that loses
 * all rows is moved to the row farthest from its centre.
 * @param start the first centres, or their number k: then the first k rows.
 * @throws EvaluationError when k is not 1 … rows or the centres have another width.
 */
export function kMeans(m: Matrix, start: number | Matrix, maxIterations = 300): KMeansResult {
  const k = typeof start === "number" ? start : start.rows;
  if (!(Number.isInteger(k) && k >= 1 && k <= m.rows))
    throw new EvaluationError(`${k} clusters of ${m.rows} rows; expected 1 to ${m.rows}`);
  if (typeof start !== "number" && start.columns !== m.columns)
    throw new EvaluationError(`centres have ${start.columns} columns, the rows ${m.columns}`);
  const centres = typeof start === "number" ? m.data.slice(0, k * m.columns) : start.data.slice();
  const used = nonZeros(m);
  const squares = squaredLengths(m, used);
  const labels = new Int32Array(m.rows).fill(-1);
  const distances = new Float64Array(m.rows);

  const assign = (): boolean => {
    let changed = false;
    const lengths = Float64Array.from({ length: k }, (_, c) => {
      let sum = 0;
      for (let j = c * m.columns; j < (c + 1) * m.columns; j++) sum += centres[j]! ** 2;
      return sum;
    });
    for (let i = 0; i < m.rows; i++) {
      let [best, least] = [0, Number.POSITIVE_INFINITY];
      for (let c = 0; c < k; c++) {
        const distance = lengths[c]! - 2 * dot(used[i]!, m.data, i * m.columns, centres, c * m.columns);
        if (distance < least) [best, least] = [c, distance];
      }
      if (labels[i] !== best) changed = true;
      labels[i] = best;
      distances[i] = Math.max(0, least + squares[i]!);
    }
    return changed;
  };

  const update = (): void => {
    const sizes = new Int32Array(k);
    for (const label of labels) sizes[label]!++;
    for (let c = 0; c < k; c++) {
      if (sizes[c]! > 0) continue;
      let far = -1;
      for (let i = 0; i < m.rows; i++) {
        if (sizes[labels[i]!]! > 1 && (far < 0 || distances[i]! > distances[far]!)) far = i;
      }
      sizes[labels[far]!]!--;
      sizes[c] = 1;
      labels[far] = c;
      distances[far] = 0;
    }
    centres.fill(0);
    for (const [i, label] of labels.entries()) {
      for (const j of used[i]!) centres[label * m.columns + j]! += m.data[i * m.columns + j]! / sizes[label]!;
    }
  };

  let iterations = 0;
  while (iterations < maxIterations) {
    iterations++;
    if (!assign()) break;
    update();
  }
  let inertia = 0;
  for (const [i, label] of labels.entries()) {
    for (let j = 0; j < m.columns; j++) inertia += (m.data[i * m.columns + j]! - centres[label * m.columns + j]!) ** 2;
  }
  return { labels, centres: { rows: k, columns: m.columns, data: centres }, inertia, iterations };
}
