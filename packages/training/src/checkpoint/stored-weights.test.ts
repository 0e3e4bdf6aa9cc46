import { bfloat16ToFloat32, toFloat32 } from "@uat/graph";
import { float32Tensor, memoryStore } from "universal-audio-tokenizer/internal";
import { describe, expect, test } from "vitest";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { arenaTensors, float32ToBfloat16, loadArena, storedTensor } from "./stored-weights.ts";

describe("bfloat16", () => {
  const one = (value: number) => bfloat16ToFloat32(float32ToBfloat16(Float32Array.of(value)))[0]!;
  test("keeps what has 8 bits", () => {
    for (const v of [0, 1, -2.5, 3.375, 2 ** 100, -(2 ** -126), 2 ** -133, Number.POSITIVE_INFINITY])
      expect(one(v)).toBe(v);
    expect(Object.is(one(-0), -0)).toBe(true);
    expect(one(Number.NaN)).toBeNaN();
  });
  test("rounds to nearest, ties to even", () => {
    const ulp = 2 ** -7;
    expect(one(1 + ulp / 2)).toBe(1);
    expect(one(1 + (3 * ulp) / 2)).toBe(1 + 2 * ulp);
    expect(one(1 + ulp / 2 + 2 ** -20)).toBe(1 + ulp);
    expect(one(-1 - ulp / 2)).toBe(-1);
    expect(one(3.4e38)).toBe(Number.POSITIVE_INFINITY);
  });
});

const arena = () =>
  ParameterArena.from([
    { name: "w", shape: [2, 2], values: Float32Array.of(1, 2.5, -1 / 3, 1000) },
    { name: "b", shape: [], values: Float32Array.of(7) },
  ]);

test.each([
  ["fp32", "F32", 0],
  ["fp16", "F16", 2 ** -11],
  ["bf16", "BF16", 2 ** -8],
] as const)("%s: what is stored is the weight to %s's precision", async (storage, dtype, precision) => {
  const tensor = arenaTensors(arena(), storage).get("w")!;
  expect([tensor.dtype, tensor.shape]).toEqual([dtype, [2, 2]]);
  const values = toFloat32(await tensor.data(), dtype);
  for (const [i, v] of arena().view("w").entries())
    expect(Math.abs(values[i]! - v)).toBeLessThanOrEqual(precision * Math.abs(v));
});

test("a weight that float16 cannot hold is named", () => {
  const tensor = storedTensor("out.weight", [2], Float32Array.of(1, -70000), "fp16");
  expect(() => tensor.data()).toThrow("out.weight holds -70000, which is out of float16's range");
});

describe("filling an arena", () => {
  const full = new Map([
    ["w", float32Tensor([2, 2], Float32Array.of(9, 8, 7, 6))],
    ["b", float32Tensor([], Float32Array.of(5))],
  ]);
  test("takes every parameter, or those named", async () => {
    const target = arena();
    await loadArena(target, memoryStore(full), "x.safetensors", ["b"]);
    expect([target.view("b")[0], target.view("w")[0]]).toEqual([5, 1]);
    await loadArena(target, memoryStore(full), "x.safetensors");
    expect([...target.view("w")]).toEqual([9, 8, 7, 6]);
  });
  test("refuses another model's file", async () => {
    await expect(loadArena(arena(), memoryStore(new Map()), "x.safetensors")).rejects.toThrow(
      "x.safetensors: has no w; it belongs to another model",
    );
    const other = new Map([...full, ["b", float32Tensor([1], Float32Array.of(5))] as const]);
    await expect(loadArena(arena(), memoryStore(other), "x.safetensors")).rejects.toThrow("b has shape [1]");
  });
});
