import { toFloat32 } from "@uat/graph";
import { CheckpointError } from "./errors.ts";

/** Element types a checkpoint may hold, named as safetensors names them. */
export type DType = "F64" | "F32" | "F16" | "BF16" | "I64" | "I32" | "I16" | "I8" | "U8" | "BOOL";

/** Bytes of one element. */
export const ITEM_BYTES: Readonly<Record<DType, number>> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};

/** Type and shape of one stored tensor. */
export interface TensorInfo {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Where a tensor's raw bytes lie in a local file. */
export interface TensorLocation {
  readonly path: string;
  readonly offset: number;
  readonly byteLength: number;
}

/** Named tensors, read one at a time: the form every checkpoint format takes after its header was read. */
export interface TensorStore {
  names(): Iterable<string>;
  info(name: string): TensorInfo | undefined;
  /** Raw little-endian bytes, contiguous, row-major. @throws CheckpointError when missing or unreadable. */
  read(name: string): Promise<Uint8Array>;
  /** Set when the raw bytes lie contiguous in a local file, so that the runtime can map them into memory. */
  locate(name: string): TensorLocation | undefined;
  close(): Promise<void>;
}

/** A tensor held in memory, for stores and writers. `data` is little-endian, contiguous, row-major. */
export interface TensorData extends TensorInfo {
  readonly data: Uint8Array;
}

/** A float32 tensor in memory. */
export function float32Tensor(shape: readonly number[], values: Float32Array): TensorData {
  return { dtype: "F32", shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/** A float32 array as a float16 tensor in memory, rounded to nearest, ties to even; too large values become infinite. */
export function float16Tensor(shape: readonly number[], values: Float32Array): TensorData {
  const halves = new Uint16Array(values.length);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) halves[i] = toHalf(bits[i]!, values[i]!);
  return { dtype: "F16", shape, data: new Uint8Array(halves.buffer) };
}

/** @param bits the float32 bit pattern of `value`. */
function toHalf(bits: number, value: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 is halfway between the largest half and the next power of two: from there on it rounds to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    // Subnormal: whole multiples of 2^-24. Adding and subtracting 2^23 rounds to even.
    const units = Math.abs(value) * 2 ** 24;
    return sign | Math.fround(Math.fround(units + 2 ** 23) - 2 ** 23);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** Product of the dimensions; NaN when a dimension is not a whole number ≥ 0 or the product is past 2^53. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return Number.NaN;
    if (size === 0) count = 0;
    else if (count > 0) count *= size;
    if (!Number.isSafeInteger(count)) return Number.NaN;
  }
  return count;
}

/** A store over tensors in memory. */
export function memoryStore(tensors: ReadonlyMap<string, TensorData>): TensorStore {
  return {
    names: () => tensors.keys(),
    info: (name) => tensors.get(name),
    async read(name) {
      const tensor = tensors.get(name);
      if (!tensor) throw missingTensor(name, "the tensors in memory");
      return tensor.data;
    },
    locate: () => undefined,
    async close() {},
  };
}

/** The error for a tensor that a store does not hold. */
export function missingTensor(name: string, where: string): CheckpointError {
  return new CheckpointError(`${where}: has no tensor "${name.slice(0, 200)}"`);
}

/**
 * A tensor as float32, whatever float type it is stored in.
 * @returns row-major values; may share memory with the store when it holds float32 already.
 * @throws CheckpointError when the tensor is missing or not of a float type.
 */
export async function readFloat32(store: TensorStore, name: string): Promise<Float32Array> {
  const info = store.info(name);
  if (!info) throw missingTensor(name, "checkpoint");
  const { dtype } = info;
  if (dtype !== "F64" && dtype !== "F32" && dtype !== "F16" && dtype !== "BF16")
    throw new CheckpointError(
      `tensor "${name.slice(0, 200)}" holds ${info.dtype} values; expected F32, F16, BF16 or F64`,
    );
  return toFloat32(await store.read(name), dtype);
}
