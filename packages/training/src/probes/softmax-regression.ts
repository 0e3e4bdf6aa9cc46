/**
 * Softmax regression with an L2 penalty, by L-BFGS (Nocedal & Wright, "Numerical optimization", algorithm 7.4) with
 * backtracking steps: the loss is convex, so its minimum does not depend on where the search starts.
 */
import { TrainingError } from "../errors.ts";

/** A row's values other than 0, and the columns they stand in. */
export interface SparseRow {
  readonly columns: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

export interface SoftmaxProblem {
  readonly rows: readonly SparseRow[];
  readonly columns: number;
  readonly classes: number;
  /** [rows, classes]: how much each row counts as one of each class. */
  readonly weights: ArrayLike<number>;
}

/** Logits of a row: intercepts + Σ value · coefficients[column]. */
export interface SoftmaxClassifier {
  readonly classes: number;
  /** [columns, classes] */
  readonly coefficients: Float64Array;
  /** [classes] */
  readonly intercepts: Float64Array;
}

/** Largest derivative at the minimum, and most steps towards it. */
const TOLERANCE = 1e-5;
const MAX_STEPS = 300;
/** Steps whose curvature is remembered. */
const MEMORY = 10;

/**
 * Minimises the weighted mean of −log p(class | row) plus penalty / 2 · ‖coefficients‖²; intercepts are not held down.
 * @param penalty above 0. In scikit-learn's words, 1 / (C · Σ weights).
 * @throws TrainingError when all weights are 0.
 */
export function fitSoftmax(problem: SoftmaxProblem, penalty: number): SoftmaxClassifier {
  const { columns, classes } = problem;
  const size = (columns + 1) * classes;
  const parameters = minimize(size, lossOf(problem, penalty));
  return {
    classes,
    coefficients: parameters.subarray(0, columns * classes),
    intercepts: parameters.subarray(columns * classes),
  };
}

/** Logits of a row [classes]. */
export function logitsOf({ classes, coefficients, intercepts }: SoftmaxClassifier, row: SparseRow): Float64Array {
  const logits = Float64Array.from(intercepts);
  for (let i = 0; i < row.columns.length; i++) {
    const at = row.columns[i]! * classes;
    const value = row.values[i]!;
    for (let c = 0; c < classes; c++) logits[c]! += value * coefficients[at + c]!;
  }
  return logits;
}

/** The class of the largest logit. */
export function classify(classifier: SoftmaxClassifier, row: SparseRow): number {
  const logits = logitsOf(classifier, row);
  return logits.indexOf(Math.max(...logits));
}

/** A function to minimise: writes its slopes, returns its value. */
type Objective = (parameters: Float64Array, slopes: Float64Array) => number;

function lossOf({ rows, columns, classes, weights }: SoftmaxProblem, penalty: number): Objective {
  let total = 0;
  for (let i = 0; i < rows.length * classes; i++) total += weights[i]!;
  if (!(total > 0)) throw new TrainingError("a classifier without a row to learn from; expected at least one");
  const { starts, places, values } = flattened(rows);
  const logits = new Float64Array(classes);
  const biases = columns * classes;
  return (x, slopes) => {
    let loss = 0;
    slopes.fill(0);
    for (let i = 0; i < rows.length; i++) {
      const [from, to] = [starts[i]!, starts[i + 1]!];
      for (let c = 0; c < classes; c++) logits[c] = x[biases + c]!;
      for (let k = from; k < to; k++) {
        const at = places[k]! * classes;
        const value = values[k]!;
        for (let c = 0; c < classes; c++) logits[c]! += value * x[at + c]!;
      }
      let highest = Number.NEGATIVE_INFINITY;
      for (let c = 0; c < classes; c++) highest = Math.max(highest, logits[c]!);
      let [exponentials, weight] = [0, 0];
      for (let c = 0; c < classes; c++) {
        exponentials += Math.exp(logits[c]! - highest);
        weight += weights[i * classes + c]!;
      }
      const normal = highest + Math.log(exponentials);
      for (let c = 0; c < classes; c++) {
        const own = weights[i * classes + c]!;
        if (own > 0) loss += own * (normal - logits[c]!);
        logits[c] = (weight * Math.exp(logits[c]! - normal) - own) / total;
        slopes[biases + c]! += logits[c]!;
      }
      for (let k = from; k < to; k++) {
        const at = places[k]! * classes;
        const value = values[k]!;
        for (let c = 0; c < classes; c++) slopes[at + c]! += value * logits[c]!;
      }
    }
    loss /= total;
    for (let i = 0; i < biases; i++) {
      loss += (penalty / 2) * x[i]! ** 2;
      slopes[i]! += penalty * x[i]!;
    }
    return loss;
  };
}

/** All rows one after the other: row i has the entries from starts[i] to starts[i + 1]. */
function flattened(rows: readonly SparseRow[]) {
  const starts = new Int32Array(rows.length + 1);
  for (const [i, { columns }] of rows.entries()) starts[i + 1] = starts[i]! + columns.length;
  const places = new Int32Array(starts[rows.length]!);
  const values = new Float64Array(starts[rows.length]!);
  for (const [i, row] of rows.entries()) {
    places.set(row.columns, starts[i]);
    values.set(row.values, starts[i]);
  }
  return { starts, places, values };
}

/** L-BFGS from zeros. */
function minimize(size: number, objective: Objective): Float64Array {
  let x = new Float64Array(size);
  let slopes = new Float64Array(size);
  let value = objective(x, slopes);
  const history: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  for (let step = 0; step < MAX_STEPS && largest(slopes) > TOLERANCE; step++) {
    const direction = descent(slopes, history);
    const slope = dot(direction, slopes);
    const nextSlopes = new Float64Array(size);
    let next = x;
    let nextValue = Number.POSITIVE_INFINITY;
    // the first step knows no curvature: its length is 1
    let length = history.length > 0 ? 1 : 1 / Math.sqrt(dot(slopes, slopes));
    for (; length > 1e-12; length /= 2) {
      next = x.map((v, i) => v + length * direction[i]!);
      nextValue = objective(next, nextSlopes);
      if (nextValue <= value + 1e-4 * length * slope) break;
    }
    // as low as rounding lets it get
    if (!(nextValue < value)) break;
    const s = next.map((v, i) => v - x[i]!);
    const y = nextSlopes.map((v, i) => v - slopes[i]!);
    const curvature = dot(s, y);
    if (curvature > 0) history.push({ s, y, rho: 1 / curvature });
    if (history.length > MEMORY) history.shift();
    [x, slopes, value] = [next, nextSlopes, nextValue];
  }
  return x;
}

/** −H · slopes by the two loops over remembered steps. */
function descent(
  slopes: Float64Array,
  history: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[],
): Float64Array {
  const q = slopes.map((v) => -v);
  const shares: number[] = [];
  for (const { s, y, rho } of history.toReversed()) {
    const share = rho * dot(s, q);
    shares.push(share);
    for (let i = 0; i < q.length; i++) q[i]! -= share * y[i]!;
  }
  const latest = history.at(-1);
  if (latest) {
    const scale = 1 / (latest.rho * dot(latest.y, latest.y));
    for (let i = 0; i < q.length; i++) q[i]! *= scale;
  }
  for (const { s, y, rho } of history) {
    const share = (shares.pop() as number) - rho * dot(y, q);
    for (let i = 0; i < q.length; i++) q[i]! += share * s[i]!;
  }
  return q;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const largest = (x: Float64Array): number => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
