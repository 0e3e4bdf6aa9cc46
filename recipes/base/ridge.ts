/**
 * Ridge regression by streamed normal equations: rows x [n, inputs] and targets y [n, outputs] arrive in blocks, only
 * XᵀX and XᵀY are kept (float64), and one Cholesky solution gives weights and bias at the end.
 *
 * The two products of a block are the only heavy part; the caller gives them as `product`, so that they can run on the
 * engine. The bias is a column of ones that is not penalised.
 */
import { choleskyFactor, choleskySolve } from "./cholesky.ts";

/** aᵀ b for rows a [n, p] and b [n, q]: [p, q]. */
export type TransposedProduct = (
  a: Float32Array,
  b: Float32Array,
  n: number,
  p: number,
  q: number,
) => Promise<Float32Array>;

export interface LinearMap {
  /** [outputs, inputs], as a checkpoint's Linear holds it. */
  weight: Float32Array;
  /** [outputs] */
  bias: Float32Array;
}

/** Plain aᵀ b, for small data and tests. */
export const productPlain: TransposedProduct = async (a, b, n, p, q) => {
  const out = new Float32Array(p * q);
  for (let i = 0; i < n; i++) {
    for (let r = 0; r < p; r++) {
      const value = a[i * p + r]!;
      for (let c = 0; c < q; c++) out[r * q + c] = out[r * q + c]! + value * b[i * q + c]!;
    }
  }
  return out;
};

export class RidgeRegression {
  readonly inputs: number;
  readonly outputs: number;
  rows = 0;
  readonly #product: TransposedProduct;
  /** XᵀX with the column of ones last, [inputs + 1, inputs + 1]. */
  readonly #gram: Float64Array;
  /** XᵀY, [inputs + 1, outputs]. */
  readonly #cross: Float64Array;
  /** Σ y², [outputs]: gives the error without another pass. */
  readonly #squares: Float64Array;

  constructor(inputs: number, outputs: number, product: TransposedProduct = productPlain) {
    this.inputs = inputs;
    this.outputs = outputs;
    this.#product = product;
    this.#gram = new Float64Array((inputs + 1) ** 2);
    this.#cross = new Float64Array((inputs + 1) * outputs);
    this.#squares = new Float64Array(outputs);
  }

  /** Adds rows x [n, inputs] with targets y [n, outputs]. */
  async add(x: Float32Array, y: Float32Array, n: number): Promise<void> {
    const { inputs: p, outputs: q } = this;
    if (x.length !== n * p || y.length !== n * q) {
      throw new Error(`ridge: expected ${n} rows of ${p} and ${q} values, got ${x.length} and ${y.length} values`);
    }
    const full = p + 1;
    const withOne = new Float32Array(n * full);
    for (let i = 0; i < n; i++) {
      withOne.set(x.subarray(i * p, (i + 1) * p), i * full);
      withOne[i * full + p] = 1;
    }
    addTo(this.#gram, await this.#product(withOne, withOne, n, full, full));
    addTo(this.#cross, await this.#product(withOne, y, n, full, q));
    for (let i = 0; i < y.length; i++) this.#squares[i % q] = this.#squares[i % q]! + y[i]! * y[i]!;
    this.rows += n;
  }

  /**
   * The map that minimises Σ|y − Wx − b|² + ridge · rows · |W|².
   * `explained` is the share of the targets' variance it explains on the data given, over all outputs.
   */
  solve(ridge: number): LinearMap & { explained: number } {
    const { inputs: p, outputs: q, rows } = this;
    const full = p + 1;
    const gram = this.#gram.slice();
    for (let i = 0; i < p; i++) gram[i * full + i] = gram[i * full + i]! + ridge * rows;
    choleskyFactor(gram, full);
    const solution = this.#cross.slice();
    choleskySolve(gram, full, solution, q);

    const weight = new Float32Array(q * p);
    const bias = new Float32Array(q);
    let left = 0;
    let total = 0;
    for (let c = 0; c < q; c++) {
      for (let r = 0; r < p; r++) weight[c * p + r] = solution[r * q + c]!;
      bias[c] = solution[p * q + c]!;
      // With G = XᵀX, residual = Σy² − 2 wᵀXᵀy + wᵀGw, and Gw = Xᵀy − ridge·rows·w off the bias.
      let fitted = 0;
      let penalty = 0;
      for (let r = 0; r < full; r++) {
        fitted += solution[r * q + c]! * this.#cross[r * q + c]!;
        if (r < p) penalty += solution[r * q + c]! ** 2;
      }
      left += this.#squares[c]! - fitted - ridge * rows * penalty;
      total += this.#squares[c]! - this.#cross[p * q + c]! ** 2 / rows;
    }
    return { weight, bias, explained: 1 - left / total };
  }
}

function addTo(sum: Float64Array, block: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + block[i]!;
}
