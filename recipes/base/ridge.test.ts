import { Random } from "@uat/training";
import { describe, expect, it } from "vitest";
import { choleskyFactor, choleskySolve } from "./cholesky.ts";
import { RidgeRegression } from "./ridge.ts";

const random = new Random(5);
const normals = (length: number) => Float32Array.from({ length }, () => random.normal());

describe("Cholesky", () => {
  it("solves a system larger than a tile", () => {
    const n = 61;
    const m = normals(n * n);
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = i === j ? 1 : 0;
        for (let t = 0; t < n; t++) sum += m[i * n + t]! * m[j * n + t]!;
        a[i * n + j] = sum;
      }
    const wanted = normals(n * 2);
    const b = new Float64Array(n * 2);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        for (let c = 0; c < 2; c++) b[i * 2 + c] = b[i * 2 + c]! + a[i * n + j]! * wanted[j * 2 + c]!;
    choleskyFactor(a, n);
    choleskySolve(a, n, b, 2);
    for (const i of wanted.keys()) expect(b[i]).toBeCloseTo(wanted[i]!, 8);
  });

  it("refuses a matrix that is not positive definite", () => {
    expect(() => choleskyFactor(Float64Array.of(1, 0, 0, -1), 2)).toThrow("not positive definite at row 1");
  });
});

describe("RidgeRegression", () => {
  it("recovers an exact map from rows given in blocks", async () => {
    const weight = normals(2 * 3);
    const bias = [0.5, -7];
    const fit = new RidgeRegression(3, 2);
    for (const n of [4, 30, 1]) {
      const x = normals(n * 3);
      const y = new Float32Array(n * 2);
      for (let i = 0; i < n; i++)
        for (let o = 0; o < 2; o++) {
          y[i * 2 + o] = bias[o]! + [0, 1, 2].reduce((s, j) => s + weight[o * 3 + j]! * x[i * 3 + j]!, 0);
        }
      await fit.add(x, y, n);
    }
    const found = fit.solve(1e-12);
    for (const i of weight.keys()) expect(found.weight[i]).toBeCloseTo(weight[i]!, 4);
    expect(found.bias[1]).toBeCloseTo(-7, 4);
    expect(found.explained).toBeCloseTo(1, 5);
  });

  it("shrinks the weights and leaves the bias alone, as the closed form says", async () => {
    // x = ±1 in equal number, y = 3 + 2x: weight = 2 / (1 + ridge), bias = 3, unexplained = (ridge / (1 + ridge))².
    const fit = new RidgeRegression(1, 1);
    await fit.add(Float32Array.of(1, -1, 1, -1), Float32Array.of(5, 1, 5, 1), 4);
    const { weight, bias, explained } = fit.solve(1);
    expect(weight[0]).toBeCloseTo(1, 6);
    expect(bias[0]).toBeCloseTo(3, 6);
    expect(explained).toBeCloseTo(0.75, 6);
  });
});
