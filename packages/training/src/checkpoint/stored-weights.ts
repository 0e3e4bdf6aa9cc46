/** Arenas as tensors of a file and back, in full or half precision. */
import { float32ToFloat16 } from "@uat/graph";
import { type LazyTensor, readFloat32, type TensorStore } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";

/** How weights are stored in a file; in memory they are always float32. */
export type WeightStorage = "fp32" | "fp16" | "bf16";

const DTYPES = { fp32: "F32", fp16: "F16", bf16: "BF16" } as const;

/** The largest float16. */
const MAX_FLOAT16 = 65504;

/** float32 → bfloat16, rounding to nearest even; NaN stays NaN. */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const b = bits[i] as number;
    const nan = (b & 0x7fffffff) > 0x7f800000;
    out[i] = nan ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

/**
 * A weight as a tensor to write; its bytes are made when its turn comes.
 * @throws TrainingError at that time when a finite value is out of float16's range.
 */
export function storedTensor(
  name: string,
  shape: readonly number[],
  values: Float32Array,
  storage: WeightStorage,
): LazyTensor {
  return { dtype: DTYPES[storage], shape, data: () => encoded(name, values, storage) };
}

function encoded(name: string, values: Float32Array, storage: WeightStorage): Uint8Array {
  if (storage === "fp32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (storage === "bf16") return new Uint8Array(float32ToBfloat16(values).buffer);
  const large = values.find((v) => Math.abs(v) > MAX_FLOAT16 && Number.isFinite(v));
  if (large !== undefined)
    throw new TrainingError(
      `${name} holds ${large}, which is out of float16's range; store the weights as bf16 or fp32`,
    );
  return new Uint8Array(float32ToFloat16(values).buffer);
}

/** The parameters of an arena, or some of them, as tensors to write. */
export function arenaTensors(
  arena: ParameterArena,
  storage: WeightStorage = "fp32",
  names: Iterable<string> = arena.entries.map((e) => e.name),
): Map<string, LazyTensor> {
  return new Map(
    Array.from(names, (name) => [name, storedTensor(name, arena.entry(name).shape, arena.view(name), storage)]),
  );
}

/**
 * Fills an arena, or those of its parameters that are in `names`, from a file.
 * @param source for messages, e.g. the file's path.
 * @throws TrainingError when a parameter is missing or of another shape.
 */
export async function loadArena(
  arena: ParameterArena,
  store: TensorStore,
  source: string,
  names: Iterable<string> = arena.entries.map((e) => e.name),
): Promise<void> {
  for (const name of names) {
    const { shape } = arena.entry(name);
    const found = store.info(name);
    if (!found) throw new TrainingError(`${source}: has no ${name}; it belongs to another model`);
    if (found.shape.length !== shape.length || found.shape.some((d, i) => d !== shape[i]))
      throw new TrainingError(
        `${source}: ${name} has shape [${found.shape}], the model's has [${shape}]; it belongs to another model`,
      );
    arena.view(name).set(await readFloat32(store, name));
  }
}
