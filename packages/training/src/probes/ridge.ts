/**
 * Ridge regression (Hoerl & Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12,
 * 1970) of weighted rows, solved through the normal equations.
 */
import { TrainingError } from "../errors.ts";

/** Rows of a regression, row-major. A row of weight 2 counts as two equal rows. */
export interface WeightedRows {
  readonly columns: number;
  /** [rows, columns] */
  readonly x: ArrayLike<number>;
  /** [rows] */
  readonly y: ArrayLike<number>;
  /** [rows], from 0 */
  readonly weights: ArrayLike<number>;
}

export interface LinearMap {
  /** [columns] */
  readonly coefficients: Float64Array;
  readonly intercept: number;
}

/**
 * Minimises Σ w (y − x·b − a)² + penalty · ‖b‖²; the intercept a is not held down.
 * @param penalty above 0.
 * @throws TrainingError when all weights are 0.
 */
export function ridge({ columns, x, y, weights }: WeightedRows, penalty: number): LinearMap {
  let total = 0;
  let meanY = 0;
  const meanX = new Float64Array(columns);
  for (let i = 0; i < y.length; i++) {
    const w = weights[i]!;
    if (w === 0) continue;
    total += w;
    meanY += w * y[i]!;
    for (let j = 0; j < columns; j++) meanX[j]! += w * x[i * columns + j]!;
  }
  if (total === 0) throw new TrainingError("a regression without a row; expected at least one");
  meanY /= total;
  for (let j = 0; j < columns; j++) meanX[j]! /= total;

  // lower triangle of Σ w (x − x̄)(x − x̄)ᵀ, and Σ w (x − x̄) y
  const gram = new Float64Array(columns * columns);
  const products = new Float64Array(columns);
  const row = new Float64Array(columns);
  for (let i = 0; i < y.length; i++) {
    const w = weights[i]!;
    if (w === 0) continue;
    for (let j = 0; j < columns; j++) row[j] = x[i * columns + j]! - meanX[j]!;
    for (let j = 0; j < columns; j++) {
      const weighted = w * row[j]!;
      products[j]! += weighted * (y[i]! - meanY);
      const at = j * columns;
      for (let k = 0; k <= j; k++) gram[at + k]! += weighted * row[k]!;
    }
  }
  for (let j = 0; j < columns; j++) gram[j * columns + j]! += penalty;
  const coefficients = solve(gram, products);
  let intercept = meanY;
  for (let j = 0; j < columns; j++) intercept -= coefficients[j]! * meanX[j]!;
  return { coefficients, intercept };
}

/** Solves A b = v by Cholesky's decomposition of A's lower triangle, in place. */
function solve(a: Float64Array, v: Float64Array): Float64Array {
  const n = v.length;
  for (let j = 0; j < n; j++) {
    for (let k = 0; k <= j; k++) {
      let sum = a[j * n + k]!;
      for (let i = 0; i < k; i++) sum -= a[j * n + i]! * a[k * n + i]!;
      a[j * n + k] = j === k ? Math.sqrt(sum) : sum / a[k * n + k]!;
    }
  }
  const b = v.slice();
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < j; i++) b[j]! -= a[j * n + i]! * b[i]!;
    b[j]! /= a[j * n + j]!;
  }
  for (let j = n - 1; j >= 0; j--) {
    for (let i = j + 1; i < n; i++) b[j]! -= a[i * n + j]! * b[i]!;
    b[j]! /= a[j * n + j]!;
  }
  return b;
}
