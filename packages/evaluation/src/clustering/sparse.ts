/** Products of rows that are mostly zeros, as histograms of codes are: only non-zero columns are visited. */
import { type Matrix, rowOf } from "./matrix.ts";

/** The non-zero columns of every row. */
export function nonZeros(m: Matrix): Int32Array[] {
  return Array.from({ length: m.rows }, (_, i) => {
    const columns: number[] = [];
    for (const [j, v] of rowOf(m, i).entries()) if (v !== 0) columns.push(j);
    return Int32Array.from(columns);
  });
}

/** Σ a·b over the listed columns of rows given by their offsets. */
export function dot(columns: Int32Array, a: Float64Array, atA: number, b: Float64Array, atB: number): number {
  let sum = 0;
  for (let k = 0; k < columns.length; k++) {
    const j = columns[k]!;
    sum += a[atA + j]! * b[atB + j]!;
  }
  return sum;
}

/** Σ of squares of every row. */
export function squaredLengths(m: Matrix, used: readonly Int32Array[]): Float64Array {
  return Float64Array.from(used, (columns, i) => dot(columns, m.data, i * m.columns, m.data, i * m.columns));
}
