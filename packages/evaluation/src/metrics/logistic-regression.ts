/**
 * Two classes told apart by a plane: logistic regression with an L2 penalty on the weights (not on the intercept), the
 * objective of scikit-learn's LogisticRegression with C = 1, minimised by Newton's method.
 */

export interface LogisticModel {
  readonly weights: Float64Array;
  readonly intercept: number;
}

const STEPS = 30;
const TOLERANCE = 1e-10;

/**
 * Minimises ½‖w‖² + Σ log(1 + exp(−y·(w·x + b))) with y = ±1.
 * @param rows of one length, @param classes whether each is of the second class; both classes must occur.
 */
export function fitLogistic(rows: readonly ArrayLike<number>[], classes: readonly boolean[]): LogisticModel {
  const d = rows[0]?.length ?? 0;
  // the last parameter is the intercept
  const theta = new Float64Array(d + 1);
  const at = (row: ArrayLike<number>, i: number) => (i === d ? 1 : (row[i] as number));
  for (let step = 0; step < STEPS; step++) {
    const gradient = theta.map((t, i) => (i === d ? 0 : t));
    const hessian = Array.from({ length: d + 1 }, (_, i) => {
      const line = new Float64Array(d + 1);
      // a trace of a penalty keeps the intercept's curvature above zero when all rows are far from the plane
      line[i] = i === d ? 1e-9 : 1;
      return line;
    });
    for (const [n, row] of rows.entries()) {
      const p = probabilityOf(theta, row, d);
      const error = p - (classes[n] ? 1 : 0);
      const curvature = p * (1 - p);
      for (let i = 0; i <= d; i++) {
        const x = at(row, i);
        if (x === 0) continue;
        gradient[i] = (gradient[i] as number) + error * x;
        const line = hessian[i] as Float64Array;
        for (let j = 0; j <= i; j++) line[j] = (line[j] as number) + curvature * x * at(row, j);
      }
    }
    const move = solve(hessian, gradient);
    for (let i = 0; i <= d; i++) theta[i] = (theta[i] as number) - (move[i] as number);
    if (Math.max(...move.map(Math.abs)) < TOLERANCE) break;
  }
  return { weights: theta.slice(0, d), intercept: theta[d] as number };
}

function probabilityOf(theta: Float64Array, row: ArrayLike<number>, d: number): number {
  let z = theta[d] as number;
  for (let i = 0; i < d; i++) z += (theta[i] as number) * (row[i] as number);
  return 1 / (1 + Math.exp(-z));
}

/** Probability of the second class. */
export function logisticProbability({ weights, intercept }: LogisticModel, row: ArrayLike<number>): number {
  let z = intercept;
  for (let i = 0; i < weights.length; i++) z += (weights[i] as number) * (row[i] as number);
  return 1 / (1 + Math.exp(-z));
}

/** x with A·x = b, A positive definite, given by its lower triangle, which is overwritten by its Cholesky factor. */
function solve(a: Float64Array[], b: Float64Array): Float64Array {
  const n = b.length;
  const x = b.slice();
  for (let i = 0; i < n; i++) {
    const row = a[i] as Float64Array;
    for (let j = 0; j <= i; j++) {
      const other = a[j] as Float64Array;
      let sum = row[j] as number;
      for (let k = 0; k < j; k++) sum -= (row[k] as number) * (other[k] as number);
      row[j] = i === j ? Math.sqrt(sum) : sum / (other[j] as number);
    }
    let sum = x[i] as number;
    for (let k = 0; k < i; k++) sum -= (row[k] as number) * (x[k] as number);
    x[i] = sum / (row[i] as number);
  }
  for (let i = n - 1; i >= 0; i--) {
    let sum = x[i] as number;
    for (let k = i + 1; k < n; k++) sum -= (a[k]![i] as number) * (x[k] as number);
    x[i] = sum / (a[i]![i] as number);
  }
  return x;
}
