/** Cholesky factorisation and solution in float64, tiled so that a few thousand unknowns take seconds. */

/** Rows of one tile: two tiles of a few thousand columns stay in the processor's cache. */
const TILE = 24;

/**
 * Factorises the symmetric positive definite matrix a [n, n] in place: its lower triangle becomes L with a = L Lᵀ.
 * Only the lower triangle is read.
 */
export function choleskyFactor(a: Float64Array, n: number): void {
  for (let top = 0; top < n; top += TILE) {
    const bottom = Math.min(top + TILE, n);
    for (let i = top; i < n; i++) {
      const end = Math.min(bottom, i + 1);
      for (let j = top; j < end; j++) {
        const value = a[i * n + j]! - dot(a, i * n, j * n, j);
        if (i === j) {
          if (!(value > 0)) throw new Error(`not positive definite at row ${i}: use a larger ridge`);
          a[i * n + i] = Math.sqrt(value);
        } else a[i * n + j] = value / a[j * n + j]!;
      }
    }
  }
}

function dot(a: Float64Array, p: number, q: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let t = 0;
  for (; t + 4 <= length; t += 4) {
    s0 += a[p + t]! * a[q + t]!;
    s1 += a[p + t + 1]! * a[q + t + 1]!;
    s2 += a[p + t + 2]! * a[q + t + 2]!;
    s3 += a[p + t + 3]! * a[q + t + 3]!;
  }
  for (; t < length; t++) s0 += a[p + t]! * a[q + t]!;
  return s0 + s1 + s2 + s3;
}

/** Solves L Lᵀ x = b for every column of b [n, columns], in place, given the factor from `choleskyFactor`. */
export function choleskySolve(factor: Float64Array, n: number, b: Float64Array, columns: number): void {
  const axpy = (to: number, from: number, scale: number) => {
    for (let c = 0; c < columns; c++) b[to * columns + c] = b[to * columns + c]! - scale * b[from * columns + c]!;
  };
  const divide = (row: number) => {
    const pivot = factor[row * n + row]!;
    for (let c = 0; c < columns; c++) b[row * columns + c] = b[row * columns + c]! / pivot;
  };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) axpy(i, j, factor[i * n + j]!);
    divide(i);
  }
  for (let i = n - 1; i >= 0; i--) {
    divide(i);
    for (let j = 0; j < i; j++) axpy(j, i, factor[i * n + j]!);
  }
}
