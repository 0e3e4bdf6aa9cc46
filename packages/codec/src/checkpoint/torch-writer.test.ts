import { describe, expect, test } from "vitest";
import { memorySource } from "./byte-source.ts";
import { PickleTuple } from "./pickle.ts";
import type { LazyTensor } from "./safetensors-writer.ts";
import { openTorchFile, openTorchObject } from "./torch-file.ts";
import { TorchTensor } from "./torch-pickle.ts";
import { streamTorchFile, type TorchValue } from "./torch-writer.ts";

async function written(value: TorchValue): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  await streamTorchFile(value, (chunk) => void chunks.push(chunk.slice()));
  return new Uint8Array(Buffer.concat(chunks));
}

const tensor = (dtype: LazyTensor["dtype"], shape: number[], values: ArrayBufferView): LazyTensor => ({
  dtype,
  shape,
  data: () => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

const value = {
  state: new Map([
    [
      0,
      {
        step: tensor("F32", [], Float32Array.of(3)),
        exp_avg: tensor("F32", [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6)),
      },
    ],
  ]),
  half: tensor("F16", [2], Uint16Array.of(0x3c00, 0xc100)),
  empty: tensor("I64", [0, 4], new BigInt64Array(0)),
  param_groups: [
    { lr: 1e-3, betas: new PickleTuple([0.9, 0.999]), amsgrad: false, fused: null, params: [0, 1, 300, 70000] },
  ],
  big: 2 ** 40,
  negative: [-1, -(2 ** 40), -0.5, Number.POSITIVE_INFINITY],
  näme: "wärt",
};

test("what is written is read again, by the reader that is tested on torch's files", async () => {
  const file = await openTorchObject(memorySource(await written(value)));
  const map = file.value as Map<string, unknown>;
  const state = map.get("state") as Map<number, Map<string, TorchTensor>>;
  const moment = state.get(0)!.get("exp_avg")!;
  expect(moment).toBeInstanceOf(TorchTensor);
  expect([moment.shape, moment.strides, moment.dtype]).toEqual([[2, 3], [3, 1], "F32"]);
  expect([...new Float32Array((await file.read(moment)).slice().buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
  expect(state.get(0)!.get("step")!.shape).toEqual([]);
  const half = map.get("half") as TorchTensor;
  expect([half.dtype, [...(await file.read(half))]]).toEqual(["F16", [0, 0x3c, 0, 0xc1]]);
  expect((map.get("empty") as TorchTensor).shape).toEqual([0, 4]);
  const [group] = map.get("param_groups") as Map<string, unknown>[];
  expect(Object.fromEntries(group!)).toEqual({
    lr: 1e-3,
    betas: new PickleTuple([0.9, 0.999]),
    amsgrad: false,
    fused: null,
    params: [0, 1, 300, 70000],
  });
  expect(map.get("big")).toBe(2 ** 40);
  expect(map.get("negative")).toEqual([-1, -(2 ** 40), -0.5, Number.POSITIVE_INFINITY]);
  expect(map.get("näme")).toBe("wärt");
  await file.close();
});

test("storages can be mapped: they begin at multiples of 64 bytes", async () => {
  const bytes = await written({
    weight: tensor("F32", [3], Float32Array.of(1.5, 2.5, 3.5)),
    b: tensor("F32", [1], Float32Array.of(7)),
  });
  const store = await openTorchFile({ ...memorySource(bytes), path: "weights.pt" });
  for (const [name, first] of [
    ["weight", 1.5],
    ["b", 7],
  ] as const) {
    const { offset } = store.locate(name)!;
    expect(offset % 64, name).toBe(0);
    expect(new DataView(bytes.buffer, offset).getFloat32(0, true)).toBe(first);
  }
});

test("equal contents make equal files", async () => expect(await written(value)).toEqual(await written(value)));

describe("refused", () => {
  test("bytes that do not fit the shape", () =>
    expect(written({ w: tensor("F32", [2], Float32Array.of(1)) })).rejects.toThrow("F32 [2] needs 8 bytes, got 4"));
  test("objects of other kinds", () =>
    expect(written({ when: new Date() as never })).rejects.toThrow("cannot hold [object Date]"));
});
