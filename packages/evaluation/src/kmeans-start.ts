/** First centres for k-means by k-means++ (Arthur and Vassilvitskii, 2007). */
import { type KMeansResult, kMeans } from "./clustering.ts";
import { type Matrix, rowOf } from "./matrix.ts";

/** Uniform numbers in [0, 1) from a seed: a 32-bit counter through a mixing function. */
function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** k rows, each drawn with a chance proportional to its squared distance from those drawn before. */
export function plusPlusCentres(m: Matrix, k: number, random: () => number): Matrix {
  const nearest = new Float64Array(m.rows).fill(Number.POSITIVE_INFINITY);
  const data = new Float64Array(k * m.columns);
  let chosen = Math.floor(random() * m.rows);
  for (let c = 0; ; ) {
    const centre = rowOf(m, chosen);
    data.set(centre, c * m.columns);
    if (++c >= k) return { rows: k, columns: m.columns, data };
    let total = 0;
    for (let i = 0; i < m.rows; i++) {
      const row = rowOf(m, i);
      let distance = 0;
      for (let j = 0; j < m.columns; j++) distance += (row[j]! - centre[j]!) ** 2;
      total += nearest[i] = Math.min(nearest[i]!, distance);
    }
    let left = random() * total;
    chosen = 0;
    while (chosen < m.rows - 1 && (left -= nearest[chosen]!) >= 0) chosen++;
  }
}

/** The run of least inertia among `runs` starts by k-means++; the same seed gives the same result. */
export function bestKMeans(m: Matrix, k: number, { runs = 10, seed = 0 } = {}): KMeansResult {
  const random = uniform(seed);
  let best: KMeansResult | undefined;
  for (let run = 0; run < runs; run++) {
    const result = kMeans(m, plusPlusCentres(m, k, random));
    if (best === undefined || result.inertia < best.inertia) best = result;
  }
  return best as KMeansResult;
}
