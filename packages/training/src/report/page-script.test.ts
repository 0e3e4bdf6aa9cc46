import { expect, test } from "vitest";
import {
  type Chart,
  drawChart,
  escapeHtml,
  formatNumber,
  formatStep,
  linearTicks,
  logTicks,
  pageScript,
  smoothed,
} from "./page-script.ts";

const line = (y: (number | null)[], more = {}) => ({
  name: "train",
  color: 0,
  points: false,
  x: y.map((_, i) => i + 1),
  y,
  broken: [],
  ...more,
});
const chart = (...lines: ReturnType<typeof line>[]): Chart => ({
  title: "Loss",
  lines,
  smooth: true,
  main: false,
  steps: [1, Math.max(...lines.flatMap((l) => l.x))],
});
const view = { width: 500, height: 190, smoothing: 0, log: false };

test.each([
  [0, "0"],
  [2.34567, "2.346"],
  [-0.5, "−0.5"],
  [12_345.6, "12.35k"],
  [2.5e6, "2.5M"],
  [3e11, "3.00e11"],
  [0.000_02, "2e−5"],
  [Number.NaN, "NaN"],
])("%s is shown as %s", (value, text) => {
  expect(formatNumber(value)).toBe(text);
});

test("steps", () => {
  expect([500, 2000, 12_500, 1_250_000].map(formatStep)).toEqual(["500", "2k", "12.5k", "1.25M"]);
});

test("ticks are round and inside", () => {
  expect(linearTicks(0, 10, 5)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(linearTicks(-0.013, 0.031, 4)).toEqual([-0.01, 0, 0.01, 0.02, 0.03]);
  expect(logTicks(0.02, 30)).toEqual([0.1, 1, 10]);
  expect(logTicks(0.9, 12)).toEqual([1, 2, 5, 10]);
  expect(logTicks(1.1, 1.4).length).toBeGreaterThan(1);
});

test("smoothing averages with weights that sum to one and passes gaps", () => {
  expect(smoothed([3, 3, null, 3], 0.5)).toEqual([3, 3, null, 3]);
  expect(smoothed([0, 1], 0.5)[1]).toBeCloseTo(2 / 3, 12);
});

test("points lie where their values are", () => {
  const svg = drawChart(chart(line([0, 5, 10])), view);
  const path = /class="line c0" d="M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)L([\d.]+),([\d.]+)"/
    .exec(svg)
    ?.slice(1)
    .map(Number);
  const [x0, y0, x1, y1, x2, y2] = path as [number, number, number, number, number, number];
  expect(x1 - x0).toBeCloseTo(x2 - x1, 0);
  expect(y0 - y1).toBeCloseTo(y1 - y2, 0);
  expect(y0).toBeGreaterThan(y2);
  // the label of a tick stands at the height of its value
  const zero = /<text x="43" y="([\d.]+)"[^>]*>0<\/text>/.exec(svg)?.[1];
  expect(Number(zero)).toBeCloseTo(y0, 0);
});

test("a logarithmic axis has equal ratios at equal distances and leaves out what has no logarithm", () => {
  const svg = drawChart(chart(line([1, 10, 100, 0, -3])), { ...view, log: true });
  const ys = [...(/class="line c0" d="([^"]+)"/.exec(svg)?.[1] ?? "").matchAll(/,([\d.]+)/g)].map((m) => Number(m[1]));
  expect(ys.length).toBe(3);
  expect(ys[0]! - ys[1]!).toBeCloseTo(ys[1]! - ys[2]!, 0);
});

test("rounding errors of a constant are not blown up", () => {
  const svg = drawChart(chart(line([0.8, 0.8 + 1e-15, 0.8 - 1e-15])), view);
  const ys = [...(/class="line c0" d="([^"]+)"/.exec(svg)?.[1] ?? "").matchAll(/,([\d.]+)/g)].map((m) => m[1]);
  expect(new Set(ys).size).toBe(1);
});

test("values that are not finite interrupt the curve and are marked", () => {
  const svg = drawChart(chart(line([1, null, 2, 3], { broken: [2] })), view);
  expect(svg).toContain("not finite at step 2");
  expect(/class="line c0" d="([^"]+)"/.exec(svg)?.[1]?.match(/M/g)?.length).toBe(2);
});

test.each([[[]], [[null]], [[5]], [[0, 0]], [[-1, -1]], [[1e-300, 1e300]]])("nothing breaks for %j", (y) => {
  for (const log of [false, true]) {
    const one = { ...chart(line([1])), lines: [line(y)] };
    expect(drawChart(one, { ...view, log, smoothing: 0.6 })).not.toMatch(/NaN|Infinity|undefined/);
  }
});

test("names cannot leave their place", () => {
  expect(escapeHtml(`<a b='c'>&"`)).toBe("&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
  expect(drawChart({ ...chart(line([1, 2])), title: '"><script>' }, view)).not.toContain("<script>");
});

test("the script runs by itself: it uses nothing of this module", () => {
  const without = pageScript().replace(/\n\w+\(\);$/, "\nreturn drawChart;");
  const draw = new Function(without)() as typeof drawChart;
  const one = chart(line([3, 2, null, 1]));
  expect(draw(one, view)).toBe(drawChart(one, view));
});
