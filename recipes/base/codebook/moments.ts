/** Mean and standard deviation of each column, gathered block by block in float64: what z-normalises the encoder. */
export class Moments {
  readonly dimension: number;
  count = 0;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #shift: Float64Array;

  constructor(dimension: number) {
    this.dimension = dimension;
    this.#sum = new Float64Array(dimension);
    this.#squares = new Float64Array(dimension);
    this.#shift = new Float64Array(dimension);
  }

  /** Adds rows x [n, dimension]. The first row is subtracted from all, so that large means cost no precision. */
  add(x: Float32Array, n: number): void {
    const d = this.dimension;
    if (x.length !== n * d) throw new Error(`moments: ${x.length} values given, expected ${n} rows of ${d}`);
    if (this.count === 0 && n > 0) this.#shift.set(x.subarray(0, d));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < d; j++) {
        const value = x[i * d + j]! - this.#shift[j]!;
        this.#sum[j] = this.#sum[j]! + value;
        this.#squares[j] = this.#squares[j]! + value * value;
      }
    }
    this.count += n;
  }

  /** Mean and (population) standard deviation of each column, [dimension] each. */
  finish(): { mean: Float32Array; std: Float32Array } {
    const mean = new Float32Array(this.dimension);
    const std = new Float32Array(this.dimension);
    for (let j = 0; j < this.dimension; j++) {
      const average = this.#sum[j]! / this.count;
      mean[j] = average + this.#shift[j]!;
      std[j] = Math.sqrt(Math.max(0, this.#squares[j]! / this.count - average * average));
    }
    return { mean, std };
  }
}
