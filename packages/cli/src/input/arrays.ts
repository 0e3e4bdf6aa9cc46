/** Arrays given to `uat decode` as npy files: speaker embeddings, mels and codes of prompts. */
import { readFile } from "node:fs/promises";
import { InputError, systemError } from "../errors.ts";
import { checkFile } from "./audio-files.ts";

/** Finite float values of an npy file. @throws InputError or CheckpointError that name the file. */
export async function readFloats(path: string): Promise<{ data: Float32Array; shape: readonly number[] }> {
  const { npyNumbers, readNpy } = await import("universal-audio-tokenizer/internal");
  await checkFile(path);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw systemError(path, "read", error);
  }
  const array = readNpy(bytes, path);
  const data = Float32Array.from(npyNumbers(array, path));
  const bad = data.findIndex((v) => !Number.isFinite(v));
  if (bad >= 0) throw new InputError(`${path}: value ${bad} is ${data[bad]}; expected finite numbers`);
  return { data, shape: array.shape };
}

/** A mel [80, frames], or [1, 80, frames], of a prompt. */
export async function readMel(path: string, bands: number): Promise<{ data: Float32Array; frames: number }> {
  const { data, shape } = await readFloats(path);
  const sizes = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (sizes.length !== 2 || sizes[0] !== bands || sizes[1] === 0)
    throw new InputError(`${path}: has shape [${shape}]; expected [${bands}, frames], the log-mel of the prompt`);
  return { data, frames: sizes[1]! };
}
