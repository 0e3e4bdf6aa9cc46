/** Fits against scikit-learn's; the goldens are made by tests/interop/make-probe-goldens.py. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { ridge } from "./ridge.ts";
import { classify, fitSoftmax, logitsOf } from "./softmax-regression.ts";

const golden = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../tests/fixtures/probes/${name}.json`, import.meta.url), "utf8"));

const worst = (got: ArrayLike<number>, want: readonly number[]) => {
  expect(got.length).toBe(want.length);
  return Math.max(...want.map((v, i) => Math.abs(v - got[i]!)));
};

const regression = golden("ridge");
test.each<{ penalty: number; coefficients: number[]; intercept: number }>(regression.fits)(
  "ridge with penalty $penalty",
  ({ penalty, coefficients, intercept }) => {
    const fit = ridge(regression, penalty);
    expect(worst(fit.coefficients, coefficients)).toBeLessThan(1e-8);
    expect(Math.abs(fit.intercept - intercept)).toBeLessThan(1e-8);
  },
);

test("a row of weight 2 is two rows", () => {
  const twice = ridge({ columns: 1, x: [1, 2, 4], y: [1, 3, 2], weights: [1, 2, 1] }, 0.5);
  const repeated = ridge({ columns: 1, x: [1, 2, 2, 4], y: [1, 3, 3, 2], weights: [1, 1, 1, 1] }, 0.5);
  expect(twice.coefficients[0]).toBeCloseTo(repeated.coefficients[0]!, 12);
  expect(twice.intercept).toBeCloseTo(repeated.intercept, 12);
});

test("a regression needs a row", () => {
  expect(() => ridge({ columns: 1, x: [1], y: [1], weights: [0] }, 1)).toThrow(TrainingError);
});

const classes = golden("softmax");
const sparse = (columns: number, x: readonly number[], i: number) => {
  const row = x.slice(i * columns, (i + 1) * columns);
  const used = [...row.keys()].filter((j) => row[j] !== 0);
  return { columns: used, values: used.map((j) => row[j]!) };
};
const softmaxProblem = () => {
  const rows = classes.labels.map((_: number, i: number) => sparse(classes.columns, classes.x, i));
  const weights = new Float64Array(rows.length * classes.classes);
  for (const [i, label] of classes.labels.entries()) weights[i * classes.classes + label] = 1;
  return { rows, columns: classes.columns, classes: classes.classes, weights };
};

test.each<{ penalty: number; coefficients: number[]; probabilities: number[]; predictions: number[] }>(classes.fits)(
  "softmax regression with penalty $penalty",
  ({ penalty, coefficients, probabilities, predictions }) => {
    const problem = softmaxProblem();
    const fit = fitSoftmax(problem, penalty);
    const got = problem.rows.flatMap((row: (typeof problem.rows)[number]) => {
      const exponentials = Array.from(logitsOf(fit, row), Math.exp);
      const sum = exponentials.reduce((a, b) => a + b, 0);
      return exponentials.map((e) => e / sum);
    });
    // slopes end below 1e-5, and the loss curves by the penalty at least
    expect(worst(fit.coefficients, coefficients)).toBeLessThan((classes.columns * 1e-5) / penalty);
    expect(worst(got, probabilities)).toBeLessThan(2e-3);
    expect(problem.rows.map((row: (typeof problem.rows)[number]) => classify(fit, row))).toEqual(predictions);
  },
);

test("a row that counts half as each of two classes", () => {
  const row = { columns: [0], values: [1] };
  const fit = fitSoftmax({ rows: [row], columns: 1, classes: 2, weights: [2, 2] }, 0.1);
  const [a, b] = logitsOf(fit, row);
  expect(a).toBeCloseTo(b!, 9);
  expect(() => fitSoftmax({ rows: [row], columns: 1, classes: 2, weights: [0, 0] }, 0.1)).toThrow(TrainingError);
});
