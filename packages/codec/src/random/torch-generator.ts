/**
 * torch's CPU random generator for float32: a Mersenne twister (MT19937, Matsumoto & Nishimura 1998) and the ways torch
 * makes uniform and normal values of its output. The same seed gives the values of `torch.manual_seed(seed)` followed by
 * the same calls: uniform values exactly, normal ones to 2e-6 (torch's vectorised log and cos are approximations).
 */
const SIZE = 624;
const MIDDLE = 397;

/** Values drawn by one call of `randn` from this count on are made in blocks, below one by one. */
const BLOCK = 16;

export class TorchGenerator {
  readonly #state = new Uint32Array(SIZE);
  #index = SIZE;
  /** The second value of the last pair of a small normal draw; survives all other draws. */
  #cachedNormal: number | undefined;

  /** @param seed taken modulo 2^32, as torch does for its CPU generator. */
  constructor(seed: number | bigint) {
    this.seed(seed);
  }

  /** Starts over, as `torch.manual_seed`. @throws RangeError when `seed` is not a whole number. */
  seed(seed: number | bigint): void {
    if (typeof seed === "number" && !Number.isSafeInteger(seed))
      throw new RangeError(`seed ${seed} is not a whole number`);
    const state = this.#state;
    state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < SIZE; i++) {
      const previous = state[i - 1]! ^ (state[i - 1]! >>> 30);
      state[i] = Math.imul(1812433253, previous) + i;
    }
    this.#index = SIZE;
    this.#cachedNormal = undefined;
  }

  /** The next raw output, an integer from 0 to 2^32 - 1. */
  uint32(): number {
    if (this.#index === SIZE) this.#twist();
    let y = this.#state[this.#index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  /** `torch.rand(n)`: n values in [0, 1), each from 24 bits. */
  rand(n: number): Float32Array {
    const values = new Float32Array(n);
    for (let i = 0; i < n; i++) values[i] = this.#uniform24();
    return values;
  }

  /** `torch.empty(n).uniform_(low, high)`: n values in [low, high), computed in float32. */
  uniform(n: number, low = 0, high = 1): Float32Array {
    const values = this.rand(n);
    const from = Math.fround(low);
    const span = Math.fround(Math.fround(high) - from);
    for (let i = 0; i < n; i++) values[i] = Math.fround(values[i]! * span) + from;
    return values;
  }

  /** `torch.randn(n)`: n values of mean 0 and variance 1. For a tensor, n is its element count, row-major. */
  randn(n: number): Float32Array {
    if (n < BLOCK) return Float32Array.from({ length: n }, () => this.#normal());
    const values = this.rand(n);
    for (let start = 0; start + BLOCK <= n; start += BLOCK) boxMuller(values, start);
    if (n % BLOCK) {
      // The rest is drawn anew, as a block that reaches back into the one before.
      const start = n - BLOCK;
      for (let i = start; i < n; i++) values[i] = this.#uniform24();
      boxMuller(values, start);
    }
    return values;
  }

  #uniform24(): number {
    return (this.uint32() & 0xffffff) * 2 ** -24;
  }

  /** 53 bits of two outputs, the first one the upper half. */
  #uniform53(): number {
    const high = this.uint32();
    const low = this.uint32();
    return ((high & 0x1fffff) * 2 ** 32 + low) * 2 ** -53;
  }

  #normal(): number {
    if (this.#cachedNormal !== undefined) {
      const value = this.#cachedNormal;
      this.#cachedNormal = undefined;
      return value;
    }
    const angle = 2 * Math.PI * this.#uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform53()));
    this.#cachedNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const bits = (state[i]! & 0x80000000) | (state[(i + 1) % SIZE]! & 0x7fffffff);
      state[i] = state[(i + MIDDLE) % SIZE]! ^ (bits >>> 1) ^ (bits & 1 ? 0x9908b0df : 0);
    }
    this.#index = 0;
  }
}

/** 16 uniform values to 16 normal ones, in place: value j and j + 8 make a pair. */
function boxMuller(values: Float32Array, start: number): void {
  for (let j = start; j < start + BLOCK / 2; j++) {
    const u1 = 1 - values[j]!;
    const radius = Math.fround(Math.sqrt(Math.fround(-2 * Math.fround(Math.log(u1)))));
    const angle = Math.fround(2 * Math.PI * values[j + BLOCK / 2]!);
    values[j] = radius * Math.cos(angle);
    values[j + BLOCK / 2] = radius * Math.sin(angle);
  }
}
