import fc from "fast-check";
import { expect, test } from "vitest";
import { dequantized, int8Names, int8Tensors } from "./int8-weights.ts";
import type { LazyTensor } from "./safetensors-writer.ts";
import { float16Tensor, float32Tensor, memoryStore, readFloat32, type TensorData } from "./tensor-store.ts";

const made = async (tensors: [string, LazyTensor][]) =>
  new Map(
    await Promise.all(
      tensors.map(async ([name, t]): Promise<[string, TensorData]> => [name, { ...t, data: await t.data() }]),
    ),
  );
const finite = fc.float({ min: -100, max: 100, noNaN: true });
const matrices = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
  .chain(([rows, width]) =>
    fc.tuple(fc.constant(rows), fc.array(finite, { minLength: rows * width, maxLength: rows * width })),
  );

test("a weight comes back within half a step of its row, and its int8 form comes back whole", async () => {
  await fc.assert(
    fc.asyncProperty(matrices, async ([rows, list]) => {
      const values = Float32Array.from(list);
      const width = values.length / rows;
      const tensors = await made(int8Tensors(memoryStore(new Map([["w", float32Tensor([rows, width], values)]])), "w"));
      const store = dequantized(memoryStore(tensors));
      expect([...store.names()]).toEqual(["w"]);
      expect(store.info("w")).toEqual({ dtype: "F32", shape: [rows, width] });
      const back = await readFloat32(store, "w");
      for (let r = 0; r < rows; r++) {
        const row = values.subarray(r * width, (r + 1) * width);
        const step = Math.max(...row.map(Math.abs)) / 127;
        for (const [i, v] of row.entries())
          expect(Math.abs((back[r * width + i] as number) - v)).toBeLessThanOrEqual(step * 0.5001 + 1e-30);
      }
      const again = await made(int8Tensors(store, "w"));
      expect([...(again.get("w")?.data ?? [])]).toEqual([...(tensors.get("w")?.data ?? [])]);
    }),
  );
});

test("rows may be chosen; other tensors stay", async () => {
  const values = Float32Array.of(1, 2, 30, 40, 500, 600);
  const source = memoryStore(new Map([["w", float16Tensor([3, 2], values)]]));
  const tensors = await made(int8Tensors(source, "w", Int32Array.of(0, 2)));
  const store = memoryStore(new Map([...tensors, ["b", float32Tensor([2], Float32Array.of(5, 6))]]));
  expect([...int8Names(store)]).toEqual(["w"]);
  const weights = await readFloat32(dequantized(store), "w");
  for (const [i, want] of [1, 2, 500, 600].entries())
    expect(Math.abs((weights[i] as number) - want)).toBeLessThan(want < 10 ? 0.008 : 2.4);
  expect([...(await readFloat32(dequantized(store), "b"))]).toEqual([5, 6]);
});

test("scales that do not fit are refused", async () => {
  const w: TensorData = { dtype: "I8", shape: [2, 3], data: new Uint8Array(6) };
  const store = (scale: TensorData) =>
    memoryStore(
      new Map([
        ["w", w],
        ["w_scale", scale],
      ]),
    );
  expect(() => dequantized(store(float32Tensor([3], new Float32Array(3))))).toThrow("a scale for each row");
  expect(() => dequantized(store({ dtype: "F16", shape: [2], data: new Uint8Array(4) }))).toThrow("w_scale");
});
