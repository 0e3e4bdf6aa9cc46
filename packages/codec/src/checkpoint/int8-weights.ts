/**
 * Weights stored in int8: `NAME` as I8 [out, in], `NAME_scale` as F32 [out], the name that compressed-tensors gives to
 * it. A weight is the product of the two, row by row.
 */
import { quantizeRows } from "@uat/graph";
import { CheckpointError, shown } from "./errors.ts";
import type { LazyTensor } from "./safetensors-writer.ts";
import { readFloat32, type TensorInfo, type TensorStore } from "./tensor-store.ts";

const scaleOf = (name: string): string => `${name}_scale`;

/** Names of the weights that a store holds in int8. */
export function int8Names(store: TensorStore): ReadonlySet<string> {
  return new Set([...store.names()].filter((name) => store.info(name)?.dtype === "I8" && store.info(scaleOf(name))));
}

/**
 * The store with its int8 weights as float32; the store itself when it has none. Reading one costs four times its bytes.
 * @throws CheckpointError when a weight and its scales do not fit.
 */
export function dequantized(store: TensorStore): TensorStore {
  const quantized = int8Names(store);
  if (quantized.size === 0) return store;
  const scales = new Set(Array.from(quantized, scaleOf));
  for (const name of quantized) {
    const [weight, scale] = [store.info(name) as TensorInfo, store.info(scaleOf(name)) as TensorInfo];
    if (
      weight.shape.length !== 2 ||
      scale.dtype !== "F32" ||
      scale.shape.length !== 1 ||
      scale.shape[0] !== weight.shape[0]
    )
      throw new CheckpointError(
        `tensor ${shown(scaleOf(name))} is ${scale.dtype} [${scale.shape}]; expected F32 with a scale for each row of ` +
          `${shown(name)} [${weight.shape}]`,
      );
  }
  return {
    names: () => [...store.names()].filter((name) => !scales.has(name))[Symbol.iterator](),
    info(name) {
      const info = store.info(name);
      return info && quantized.has(name) ? { dtype: "F32", shape: info.shape } : info;
    },
    locate: (name) => (quantized.has(name) ? undefined : store.locate(name)),
    async read(name) {
      const bytes = await store.read(name);
      if (!quantized.has(name)) return bytes;
      const [out, inner] = (store.info(name) as TensorInfo).shape as [number, number];
      const values = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const scales = await readFloat32(store, scaleOf(name));
      const weight = new Float32Array(values.length);
      for (let o = 0, at = 0; o < out; o++)
        for (let i = 0; i < inner; i++, at++) weight[at] = (values[at] as number) * (scales[o] as number);
      return new Uint8Array(weight.buffer);
    },
    close: () => store.close(),
  };
}

/**
 * A matrix [out, in] of a store as the two tensors of its int8 form; both are made when the first of them is written.
 * @param rows which of its rows, all by default.
 */
export function int8Tensors(store: TensorStore, name: string, rows?: Int32Array): [string, LazyTensor][] {
  const [stored, inner] = (store.info(name) as TensorInfo).shape as [number, number];
  const out = rows?.length ?? stored;
  let made: Promise<ReturnType<typeof quantizeRows>> | undefined;
  const make = async () => {
    const all = await readFloat32(store, name);
    if (!rows) return quantizeRows(all, out);
    const kept = new Float32Array(out * inner);
    for (const [i, row] of rows.entries()) kept.set(all.subarray(row * inner, (row + 1) * inner), i * inner);
    return quantizeRows(kept, out);
  };
  const bytes = (array: Int8Array | Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const part = (key: "values" | "scales") => async () => bytes((await (made ??= make()))[key]);
  return [
    [name, { dtype: "I8", shape: [out, inner], data: part("values") }],
    [scaleOf(name), { dtype: "F32", shape: [out], data: part("scales") }],
  ];
}
