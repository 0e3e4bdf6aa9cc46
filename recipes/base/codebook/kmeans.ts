/**
 * Lloyd's k-means for a codebook: rows x [n, d] → centroids [k, d].
 *
 * Nearly all the time goes into finding each row's nearest centroid, which is one large matrix product; the caller
 * gives it as `assign`, so that it can run on the engine. Means are summed in float64. A centroid that no row chose is
 * moved onto a row drawn with probability proportional to its squared distance (as k-means++ draws its next seed), so
 * dead codes go where the error is.
 */
import { Random } from "@uat/training";

/** For rows x [n, d] and centroids [k, d]: each row's nearest centroid and its squared distance. */
export type AssignFn = (
  x: Float32Array,
  n: number,
  centroids: Float32Array,
) => Promise<{ index: Int32Array; distance: Float32Array }>;

export interface KMeansOptions {
  /** Number of centroids. */
  k: number;
  /** Columns of x. */
  dimension: number;
  assign: AssignFn;
  /** Centroids to start from [k, d]; rows drawn at random by default. */
  start?: Float32Array;
  iterations?: number;
  seed?: number;
  /** Rows handed to `assign` at once. */
  batchRows?: number;
  /** Stop once the mean squared distance falls by less than this share. */
  tolerance?: number;
  /** Called after every iteration. */
  onIteration?: (report: KMeansReport) => void;
}

export interface KMeansReport {
  iteration: number;
  /** Mean squared distance of a row to its centroid, before this iteration's update. */
  distortion: number;
  /** Centroids that no row chose. */
  empty: number;
}

export interface KMeansResult {
  /** [k, d] */
  centroids: Float32Array;
  /** Rows that chose each centroid in the last assignment, [k]. */
  counts: Int32Array;
  distortion: number;
}

/** Plain nearest-centroid search, for small data and tests; the first centroid wins a tie. */
export const assignPlain: AssignFn = async (x, n, centroids) => {
  const d = n === 0 ? 1 : x.length / n;
  const k = centroids.length / d;
  const index = new Int32Array(n);
  const distance = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0; c < k; c++) {
      let sum = 0;
      for (let j = 0; j < d; j++) sum += (x[i * d + j]! - centroids[c * d + j]!) ** 2;
      if (sum < least) {
        least = sum;
        best = c;
      }
    }
    index[i] = best;
    distance[i] = least;
  }
  return { index, distance };
};

/** Fits `k` centroids to rows x [n, d]. */
export async function kMeans(x: Float32Array, n: number, options: KMeansOptions): Promise<KMeansResult> {
  const { k, dimension: d, assign, iterations = 12, seed = 0, batchRows = 8192, tolerance = 1e-3 } = options;
  if (x.length !== n * d) throw new Error(`k-means: ${x.length} values given, expected ${n} rows of ${d}`);
  if (n < k) throw new Error(`k-means: ${n} rows cannot make ${k} centroids; give more audio or ask for fewer codes`);
  const random = new Random(seed);
  const centroids = options.start?.slice() ?? new Float32Array(k * d);
  if (!options.start)
    random.sample(n, k).forEach((row, c) => {
      centroids.set(x.subarray(row * d, row * d + d), c * d);
    });

  const index = new Int32Array(n);
  const distance = new Float32Array(n);
  const counts = new Int32Array(k);
  let distortion = Number.POSITIVE_INFINITY;
  for (let iteration = 1; ; iteration++) {
    for (let start = 0; start < n; start += batchRows) {
      const rows = Math.min(batchRows, n - start);
      const found = await assign(x.subarray(start * d, (start + rows) * d), rows, centroids);
      index.set(found.index, start);
      distance.set(found.distance, start);
    }
    const previous = distortion;
    distortion = distance.reduce((sum, value) => sum + Math.max(0, value), 0) / n;
    counts.fill(0);
    for (const c of index) counts[c]!++;
    const empty = counts.reduce((sum, count) => sum + (count === 0 ? 1 : 0), 0);
    options.onIteration?.({ iteration, distortion, empty });
    const settled = previous - distortion < tolerance * previous && empty === 0;
    if (iteration > iterations || settled) return { centroids, counts, distortion };
    updateMeans(x, index, counts, centroids, d);
    reseed(x, distance, counts, centroids, d, random);
  }
}

/** Moves every centroid that has rows to their mean. */
function updateMeans(x: Float32Array, index: Int32Array, counts: Int32Array, centroids: Float32Array, d: number) {
  const sums = new Float64Array(centroids.length);
  for (let i = 0; i < index.length; i++) {
    const from = i * d;
    const to = index[i]! * d;
    for (let j = 0; j < d; j++) sums[to + j] = sums[to + j]! + x[from + j]!;
  }
  for (let c = 0; c < counts.length; c++) {
    if (counts[c] === 0) continue;
    for (let j = c * d; j < (c + 1) * d; j++) centroids[j] = sums[j]! / counts[c]!;
  }
}

/** Moves every empty centroid onto its own row, drawn with probability proportional to the row's squared distance. */
function reseed(
  x: Float32Array,
  distance: Float32Array,
  counts: Int32Array,
  centroids: Float32Array,
  d: number,
  random: Random,
) {
  const empty = [...counts.keys()].filter((c) => counts[c] === 0);
  if (empty.length === 0) return;
  const n = distance.length;
  const cumulative = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) cumulative[i + 1] = cumulative[i]! + Math.max(0, distance[i]!);
  const total = cumulative[n]!;
  const taken = new Set<number>();
  for (const c of empty) {
    let row = random.below(n);
    for (let attempt = 0; attempt < 20 && total > 0; attempt++) {
      row = upperBound(cumulative, random.uniform(0, total)) - 1;
      if (!taken.has(row)) break;
    }
    taken.add(row);
    centroids.set(x.subarray(row * d, row * d + d), c * d);
  }
}

/** First position of the sorted values that is greater than `value`. */
function upperBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! > value) high = middle;
    else low = middle + 1;
  }
  return Math.min(Math.max(low, 1), sorted.length - 1);
}
