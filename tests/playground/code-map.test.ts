import { expect, test } from "vitest";
import { codeColours, oklch } from "../../apps/playground/src/engine/code-colours.ts";
import { principalComponents, spread } from "../../apps/playground/src/engine/principal-components.ts";

/** Rows on an ellipsoid about a point, with fixed pseudo-random places. */
function cloud(rows: number, deviations: readonly number[], start = 7): Float32Array {
  let seed = start;
  const next = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return seed / 2 ** 31;
  };
  return Float32Array.from({ length: rows * deviations.length }, (_, i) => {
    const k = i % deviations.length;
    return 5 + deviations[k]! * (next() + next() + next());
  });
}

/** Correlation of two lists. */
function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [x, y] = [Array.from(a), Array.from(b)];
  const mean = (v: number[]) => v.reduce((s, n) => s + n, 0) / v.length;
  const [mx, my] = [mean(x), mean(y)];
  const product = (p: number[], mp: number, q: number[], mq: number) =>
    p.reduce((s, v, i) => s + (v - mp) * (q[i]! - mq), 0);
  return product(x, mx, y, my) / Math.sqrt(product(x, mx, x, mx) * product(y, my, y, my));
}

test("the directions found are those along which columns vary together", () => {
  const rows = 600;
  const [a, b] = [cloud(rows, [1]), cloud(rows, [1], 1234567)];
  const noise = cloud(rows * 8, [0.005], 42);
  // columns 0 to 4 follow a, 5 to 7 follow b
  const data = Float32Array.from({ length: rows * 8 }, (_, i) => (i % 8 < 5 ? a : b)[Math.floor(i / 8)]! + noise[i]!);
  const { scores, explained } = principalComponents(data, [rows, 8], 2);
  const column = (k: number) => scores.filter((_, i) => i % 2 === k);
  // five columns of a and three of b, in units of their median deviations, drawn onto the sphere
  const units = (v: Float32Array) => {
    const middle = (w: Float32Array) => w.slice().sort()[rows / 2]!;
    const off = v.map((x) => x - middle(v));
    return off.map((x) => x / middle(off.map(Math.abs)));
  };
  const [u, v] = [units(a), units(b)];
  const length = u.map((x, i) => Math.hypot(Math.sqrt(5) * x, Math.sqrt(3) * v[i]!));
  const onSphere = (w: Float32Array) => w.map((x, i) => x / length[i]!);
  // the two directions span the plane in which both lie; the first is nearer to the more numerous columns
  const alike = (k: number, w: Float32Array) => correlation(column(k), w) ** 2;
  const apart = correlation(column(0), column(1));
  for (const w of [onSphere(u), onSphere(v)]) {
    const cross = 2 * apart * correlation(column(0), w) * correlation(column(1), w);
    expect((alike(0, w) + alike(1, w) - cross) / (1 - apart ** 2)).toBeGreaterThan(0.999);
  }
  expect(alike(0, onSphere(u))).toBeGreaterThan(alike(0, onSphere(v)));
  expect(explained[0]).toBeGreaterThan(explained[1]!);
  expect(explained[0]! + explained[1]!).toBeLessThanOrEqual(1 + 1e-6);
  expect(explained[0]! + explained[1]!).toBeGreaterThan(0.9);
});

test("a few huge rows do not decide the map", () => {
  const rows = 400;
  const a = cloud(rows, [1]);
  const data = Float32Array.from({ length: rows * 6 }, (_, i) => {
    const row = Math.floor(i / 6);
    return (i % 6 < 3 ? a[row]! : 0.2 * Math.sin(i * 12.9898)) + (row < 4 && i % 6 === 5 ? 1000 : 0);
  });
  const { scores } = principalComponents(data, [rows, 6], 1);
  expect(Math.abs(correlation(scores.subarray(4), a.subarray(4)))).toBeGreaterThan(0.8);
});

test("equal rows give a map of one place, not of NaN", () => {
  const { scores } = principalComponents(new Float32Array(40).fill(3), [10, 4], 3);
  expect([...scores]).toEqual(new Array(30).fill(0));
  expect([...spread(scores, 3)].every((v) => v === 0)).toBe(true);
  expect(codeColours(scores)).toHaveLength(30);
});

test("spread fills the square whatever the scale, and cuts what is far out", () => {
  const scores = Float32Array.from({ length: 2000 }, (_, i) => (i === 0 ? 1e6 : i % 2 ? i : -3 * i - 50));
  const places = spread(scores, 2);
  expect(Math.min(...places)).toBe(-1);
  expect(Math.max(...places)).toBe(1);
  expect(places[2 * 500 + 1]).toBeCloseTo(0, 1);
});

test("colours: OKLCH of known sRGB values, near places alike", () => {
  // white, black and the primaries as the definition's author gives them
  expect(oklch(1, 0, 0)).toEqual([255, 255, 255]);
  expect(oklch(0, 0, 0)).toEqual([0, 0, 0]);
  const degrees = Math.PI / 180;
  expect(oklch(0.62796, 0.25768, 29.234 * degrees)).toEqual([255, 0, 0]);
  expect(oklch(0.86644, 0.29483, 142.495 * degrees)).toEqual([0, 255, 0]);
  expect(oklch(0.45201, 0.31321, 264.052 * degrees)).toEqual([0, 0, 255]);
  const grid = Float32Array.from(
    { length: 3 * 900 },
    (_, i) => [Math.floor(i / 3) % 30, Math.floor(i / 90), 0][i % 3]!,
  );
  const colours = codeColours(grid);
  const apart = (a: number, b: number) =>
    Math.hypot(...[0, 1, 2].map((k) => colours[3 * a + k]! - colours[3 * b + k]!));
  expect(apart(65, 66)).toBeLessThan(apart(65, 850));
});
