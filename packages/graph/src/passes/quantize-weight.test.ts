import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { symbol } from "../dim.ts";
import { float16ToFloat32, float32ToFloat16 } from "../float16.ts";
import { buildGraph, type ParameterData, type StorageType } from "../graph.ts";
import { createRuntime, type EmitOptions } from "../index.ts";
import { compile, type Runtime } from "../run/runtime.ts";
import { quantizeWeight } from "./quantize-weight.ts";

const stored = (values: ArrayBufferView, shape: number[], dtype: StorageType = "F32"): ParameterData => ({
  dtype,
  shape,
  read: async () => new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength),
});

/** Deterministic values, roughly normal. */
function noise(length: number, seed: number): Float32Array {
  let state = seed;
  const uniform = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
  return Float32Array.from({ length }, () => uniform() + uniform() + uniform() + uniform() - 2);
}

describe("one weight", () => {
  test.each([
    [7, 63],
    [8, 127],
  ] as const)("%d bits stay within ±%d and err by half a step at most", async (bits, limit) => {
    const size = fc.integer({ min: 1, max: 7 });
    await fc.assert(
      fc.asyncProperty(
        size,
        size,
        fc.float({ min: 2 ** -10, max: 2 ** 10, noNaN: true }),
        fc.nat(),
        async (out, inner, scale, seed) => {
          const weight = noise(out * inner, seed).map((v) => v * scale);
          const { values, scales } = await quantizeWeight(stored(weight, [out, inner]), bits);
          for (let o = 0; o < out; o++) {
            const step = scales[o] as number;
            let largest = 0;
            for (let i = 0; i < inner; i++) {
              const q = values[i * out + o] as number; // [in, out]: transposed
              largest = Math.max(largest, Math.abs(q));
              expect(Math.abs(q * step - (weight[o * inner + i] as number))).toBeLessThanOrEqual(step * 0.50001);
            }
            expect(largest).toBe(limit);
          }
        },
      ),
    );
  });

  test("a row of zeros stays zero", async () => {
    const { values, scales } = await quantizeWeight(stored(new Float32Array(6), [2, 3]), 7);
    expect([...values]).toEqual(new Array(6).fill(0));
    expect([...scales]).toEqual([1, 1]);
  });

  test("half-precision weights are read as such", async () => {
    const half = float32ToFloat16(noise(12, 3));
    const float = float16ToFloat32(half);
    expect(await quantizeWeight(stored(half, [3, 4], "F16"), 7)).toEqual(
      await quantizeWeight(stored(float, [3, 4]), 7),
    );
  });

  test("integers are refused", async () => {
    await expect(quantizeWeight(stored(new Int32Array(4), [2, 2], "I32"), 7)).rejects.toThrow(
      "cannot quantise I32 weights",
    );
  });
});

describe.each(["cpu", "wasm"] as const)("an int8 linear layer on %s", (device) => {
  const [time, inner, out] = [50, 256, 96];
  const int8: EmitOptions = { quantize: () => true };
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await createRuntime({ device, threads: 2 });
  });
  afterAll(() => runtime.dispose());

  async function layer(x: Float32Array, weight: Float32Array, bias: Float32Array, options?: EmitOptions) {
    const graph = buildGraph("layer", (g) => ({
      y: g
        .input("x", [symbol("time"), inner])
        .linear(g.parameter("weight", stored(weight, [out, inner])), g.parameter("bias", stored(bias, [out]))),
    }));
    const program = await compile(runtime, graph, options);
    const { y } = await program.run({ x: { data: x, shape: [x.length / inner, inner] } });
    await program.dispose();
    return y?.data as Float32Array;
  }

  test.each([
    [7, 0.015],
    [8, 0.01],
  ] as const)("%d bits are close to fp32", async (weightBits, bound) => {
    const [x, weight, bias] = [noise(time * inner, 1), noise(out * inner, 2), noise(out, 3)];
    const want = await layer(x, weight, bias);
    const got = await layer(x, weight, bias, { ...int8, weightBits });
    const energy = (f: (i: number) => number) => want.reduce((sum, _, i) => sum + f(i) ** 2, 0);
    const error = Math.sqrt(energy((i) => (got[i] as number) - (want[i] as number)) / energy((i) => want[i] as number));
    expect(error).toBeLessThan(bound);
    expect(error).toBeGreaterThan(1e-4); // it is int8 indeed
  });

  test.each([7, 8] as const)("%d bits never saturate", async (weightBits) => {
    const x = new Float32Array(2 * inner).fill(1); // all 255 in uint8
    const weight = Float32Array.from({ length: out * inner }, (_, i) => (Math.floor(i / inner) % 2 ? -1 : 1)); // ±63, ±127
    const y = await layer(x, weight, new Float32Array(out), { ...int8, weightBits });
    for (const [i, v] of y.entries()) expect(v).toBeCloseTo(i % 2 ? -inner : inner, 2);
  });

  test("silence gives the bias", async () => {
    const bias = noise(out, 5);
    const y = await layer(new Float32Array(3 * inner), noise(out * inner, 2), bias, int8);
    expect([...y.subarray(out, 2 * out)]).toEqual([...bias]);
  });
});
