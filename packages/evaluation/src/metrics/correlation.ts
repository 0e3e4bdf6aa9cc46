/** Pearson's correlation from sums, so that clips can be pooled without keeping their frames. */

/** Sums over pairs (x, y). */
export interface PairSums {
  readonly n: number;
  readonly x: number;
  readonly y: number;
  readonly xx: number;
  readonly yy: number;
  readonly xy: number;
}

/** @param x, y of the same length. */
export function pairSums(x: ArrayLike<number>, y: ArrayLike<number>): PairSums {
  const sums = { n: x.length, x: 0, y: 0, xx: 0, yy: 0, xy: 0 };
  for (let i = 0; i < x.length; i++) {
    const a = x[i] as number;
    const b = y[i] as number;
    sums.x += a;
    sums.y += b;
    sums.xx += a * a;
    sums.yy += b * b;
    sums.xy += a * b;
  }
  return sums;
}

export function addPairSums(all: Iterable<PairSums>): PairSums {
  const sums = { n: 0, x: 0, y: 0, xx: 0, yy: 0, xy: 0 };
  for (const s of all) for (const key of ["n", "x", "y", "xx", "yy", "xy"] as const) sums[key] += s[key];
  return sums;
}

/** Pearson's r in [−1, 1]; NaN with fewer than two pairs or where one side is constant. */
export function correlation({ n, x, y, xx, yy, xy }: PairSums): number {
  const vx = xx - (x * x) / n;
  const vy = yy - (y * y) / n;
  // what rounding leaves of a constant is no variance
  if (!(n > 1 && vx > 1e-12 * xx && vy > 1e-12 * yy)) return Number.NaN;
  return Math.min(1, Math.max(-1, (xy - (x * y) / n) / Math.sqrt(vx * vy)));
}
