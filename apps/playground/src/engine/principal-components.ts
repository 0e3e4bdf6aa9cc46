/**
 * Principal components of many rows (Pearson, 1901) by orthogonal iteration on the covariance, which is never formed:
 * each step takes two passes over the rows. The rows are first drawn onto a sphere about their median (Locantore et al.,
 * 1999, Robust principal component analysis for functional data): a few dimensions of Whisper's states are so large in a
 * few codes that all others would fall on a line.
 */

export interface Components {
  /** [rows, count]: each row's place along the directions of largest variance. */
  readonly scores: Float32Array;
  /** Share of the variance along each direction, in falling order. */
  readonly explained: readonly number[];
}

const ITERATIONS = 24;

/** @param data row-major, [rows, columns]. */
export function principalComponents(
  data: Float32Array,
  [rows, columns]: readonly [number, number],
  count: number,
): Components {
  const centred = spherical(data, rows, columns);
  const total = centred.reduce((sum, v) => sum + v * v, 0);
  // any start that is not at right angles to the answer; a fixed one keeps the map the same
  let directions: Float64Array[] = Array.from({ length: count }, (_, k) =>
    Float64Array.from({ length: columns }, (_, c) => Math.sin((k + 1) * (c + 1))),
  );
  let variances: number[] = [];
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const next = directions.map(() => new Float64Array(columns));
    for (let r = 0; r < rows; r++) {
      const row = centred.subarray(r * columns, (r + 1) * columns);
      for (let k = 0; k < count; k++) {
        const score = along(row, directions[k]!);
        const target = next[k]!;
        for (let c = 0; c < columns; c++) target[c]! += score * row[c]!;
      }
    }
    ({ directions, lengths: variances } = orthonormal(next));
  }
  const scores = new Float32Array(rows * count);
  for (let r = 0; r < rows; r++) {
    const row = centred.subarray(r * columns, (r + 1) * columns);
    for (let k = 0; k < count; k++) scores[r * count + k] = along(row, directions[k]!);
  }
  return { scores, explained: variances.map((v) => (total > 0 ? v / total : 0)) };
}

/** Rows less the median of each column, in units of its median deviation, each of length 1. */
function spherical(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  const column = new Float32Array(rows);
  const middle = () => column.sort()[rows >> 1] ?? 0;
  for (let c = 0; c < columns; c++) {
    for (let r = 0; r < rows; r++) column[r] = data[r * columns + c]!;
    const median = middle();
    for (let r = 0; r < rows; r++) column[r] = Math.abs(data[r * columns + c]! - median);
    const deviation = middle() || 1;
    for (let r = 0; r < rows; r++) out[r * columns + c] = (data[r * columns + c]! - median) / deviation;
  }
  for (let r = 0; r < rows; r++) {
    const row = out.subarray(r * columns, (r + 1) * columns);
    const length = Math.sqrt(row.reduce((sum, v) => sum + v * v, 0)) || 1;
    for (let c = 0; c < columns; c++) row[c]! /= length;
  }
  return out;
}

function along(row: Float32Array, direction: Float64Array): number {
  let sum = 0;
  for (let c = 0; c < direction.length; c++) sum += row[c]! * direction[c]!;
  return sum;
}

/** Gram and Schmidt: length 1, at right angles to those before. Where nothing is left, zeros. */
function orthonormal(vectors: readonly Float64Array[]): { directions: Float64Array[]; lengths: number[] } {
  const directions: Float64Array[] = [];
  const lengths: number[] = [];
  for (const vector of vectors) {
    let rest = vector;
    for (const d of directions) {
      const shadow = d.reduce((sum, v, i) => sum + v * rest[i]!, 0);
      rest = rest.map((v, i) => v - shadow * d[i]!);
    }
    const length = Math.sqrt(rest.reduce((sum, v) => sum + v * v, 0));
    lengths.push(length);
    directions.push(length > 0 ? rest.map((v) => v / length) : rest);
  }
  return { directions, lengths };
}

/** Each column moved and scaled so that nearly all of it (98 %) lies between -1 and 1; what is further out is cut. */
export function spread(scores: Float32Array, count: number): Float32Array {
  const rows = scores.length / count;
  const out = new Float32Array(scores.length);
  for (let k = 0; k < count; k++) {
    const column = Float32Array.from({ length: rows }, (_, r) => scores[r * count + k]!).sort();
    const [low, high] = [column[Math.floor(0.01 * (rows - 1))] ?? 0, column[Math.ceil(0.99 * (rows - 1))] ?? 0];
    const [middle, half] = [(low + high) / 2, (high - low) / 2 || 1];
    for (let r = 0; r < rows; r++)
      out[r * count + k] = Math.max(-1, Math.min(1, (scores[r * count + k]! - middle) / half));
  }
  return out;
}
