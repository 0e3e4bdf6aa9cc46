/**
 * A small seeded generator (xoshiro128** seeded by splitmix32), so that clips, augmentation and k-means come out the
 * same on every machine. Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018.
 */
export class Random {
  readonly #s = new Uint32Array(4);
  #spare: number | undefined;

  constructor(seed: number) {
    let x = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) >>> 0;
      let z = x;
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#s[i] = (z ^ (z >>> 16)) >>> 0;
    }
  }

  /** An integer in [0, 2^32). */
  uint32(): number {
    const s = this.#s;
    const x = Math.imul(s[1]!, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2] = s[2]! ^ s[0]!;
    s[3] = s[3]! ^ s[1]!;
    s[1] = s[1]! ^ s[2]!;
    s[0] = s[0]! ^ s[3]!;
    s[2] = s[2]! ^ t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** A number in [low, high). */
  uniform(low = 0, high = 1): number {
    return low + ((high - low) * this.uint32()) / 2 ** 32;
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.uniform(0, n));
  }

  /** A standard normal number (Box–Muller). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** `count` different integers of [0, n), in random order (partial Fisher–Yates over a sparse map). */
  sample(n: number, count: number): Int32Array {
    const moved = new Map<number, number>();
    const out = new Int32Array(Math.min(count, n));
    for (let i = 0; i < out.length; i++) {
      const j = i + this.below(n - i);
      out[i] = moved.get(j) ?? j;
      moved.set(j, moved.get(i) ?? i);
    }
    return out;
  }
}
