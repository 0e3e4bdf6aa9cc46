/** First centres for k-means by k-means++ (Arthur and Vassilvitskii, 2007). */
import { Random } from "@uat/audio";
import { type KMeansResult, kMeans } from "./clustering.ts";
import { type Matrix, rowOf } from "./matrix.ts";
import { dot, nonZeros, squaredLengths } from "./sparse.ts";

/** k rows, each drawn with a chance proportional to its squared distance from those drawn before. */
export function plusPlusCentres(m: Matrix, k: number, random: Random): Matrix {
  const used = nonZeros(m);
  const squares = squaredLengths(m, used);
  const nearest = new Float64Array(m.rows).fill(Number.POSITIVE_INFINITY);
  const data = new Float64Array(k * m.columns);
  let chosen = random.below(m.rows);
  for (let c = 0; ; ) {
    data.set(rowOf(m, chosen), c * m.columns);
    if (++c >= k) return { rows: k, columns: m.columns, data };
    let total = 0;
    for (let i = 0; i < m.rows; i++) {
      const product = dot(used[i]!, m.data, i * m.columns, m.data, chosen * m.columns);
      const distance = Math.max(0, squares[i]! + squares[chosen]! - 2 * product);
      total += nearest[i] = Math.min(nearest[i]!, distance);
    }
    let left = random.uniform() * total;
    chosen = 0;
    while (chosen < m.rows - 1 && (left -= nearest[chosen]!) >= 0) chosen++;
  }
}

/** `runs` starts by k-means++; the same seed gives the same results. */
export function kMeansRuns(m: Matrix, k: number, { runs = 10, seed = 0 } = {}): KMeansResult[] {
  const random = new Random(seed);
  return Array.from({ length: runs }, () => kMeans(m, plusPlusCentres(m, k, random)));
}

/** The run of least inertia among {@link kMeansRuns}. */
export const bestKMeans = (m: Matrix, k: number, options: { runs?: number; seed?: number } = {}): KMeansResult =>
  kMeansRuns(m, k, options).reduce((best, result) => (result.inertia < best.inertia ? result : best));
