import { createRuntime } from "@uat/graph";
import { describe, expect, test } from "vitest";
import { clipCoefficient, GradientAccumulator, gradientNorm, nonFiniteGradients } from "./gradients.ts";
import { ParameterArena } from "./parameter-arena.ts";

const arena = (values: number[]) =>
  ParameterArena.from([
    { name: "a", shape: [values.length], values: Float32Array.from(values) },
    { name: "b", shape: [1], values: Float32Array.of(0) },
  ]);

describe("norm", () => {
  test("3, 4, 12 → 13", () => expect(gradientNorm(arena([3, 4, 12]))).toBe(13));
  test("squares past float32's range", () => expect(gradientNorm(arena([3e30, 4e30])) / 5e30).toBeCloseTo(1, 6));
  test("small ones among large ones count", () => {
    const values = new Array(100_001).fill(1e-3);
    values[0] = 100;
    // float32 sums would give 100 · (1 + 0)
    expect(gradientNorm(arena(values))).toBeCloseTo(Math.sqrt(1e4 + 0.1), 8);
  });
  test("non-finite gradients are told by name", () => {
    const gradients = arena([1, Number.NaN]);
    expect(gradientNorm(gradients)).toBeNaN();
    expect(nonFiniteGradients(gradients)).toEqual(["a"]);
    expect(nonFiniteGradients(arena([1e38, 1e38]))).toEqual([]);
  });
});

test("clipping leaves short gradients alone and shortens long ones", () => {
  expect(clipCoefficient(0.5, 1)).toBe(1);
  expect(clipCoefficient(0, 1)).toBe(1);
  expect(clipCoefficient(4, 1)).toBeCloseTo(0.25, 6);
});

test("gradients of micro-batches are summed, and again for the next step", async () => {
  const runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
  const gradients = arena([0, 0, 0]);
  const accumulator = await GradientAccumulator.create(runtime, gradients);
  for (let step = 0; step < 2; step++) {
    for (const k of [1, 10, 100]) {
      accumulator.target.view("a").set([k, 2 * k, 3 * k]);
      accumulator.target.view("b").set([-k]);
      await accumulator.add();
    }
    expect(accumulator.count).toBe(3);
    expect([...gradients.view("a"), ...gradients.view("b")]).toEqual([111, 222, 333, -111]);
    accumulator.reset();
    expect(accumulator.target).toBe(gradients);
  }
  await accumulator.dispose();
  await runtime.dispose();
});

test("a gradient that some micro-batches lack counts as 0 there, whatever lies in its place", async () => {
  const runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
  const gradients = arena([9, 9]);
  gradients.view("b").fill(9);
  const accumulator = await GradientAccumulator.create(runtime, gradients);
  accumulator.target.view("b")[0] = 2;
  await accumulator.add(new Set(["a"]));
  expect([...accumulator.without]).toEqual(["a"]);
  accumulator.target.view("a").set([1, 2]);
  accumulator.target.view("b")[0] = 7;
  await accumulator.add(new Set(["b"]));
  expect([...gradients.view("a"), ...gradients.view("b")]).toEqual([1, 2, 2]);
  expect(accumulator.without.size).toBe(0);
  accumulator.reset();
  await accumulator.add(new Set(["a"]));
  expect([[...gradients.view("a")], [...accumulator.without]]).toEqual([[0, 0], ["a"]]);
  await accumulator.dispose();
  await runtime.dispose();
});
