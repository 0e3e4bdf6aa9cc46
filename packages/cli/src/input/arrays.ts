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

/** A mel [80, frames] or, as upstream keeps prompts, [frames, 80]; with or without a leading 1. */
export async function readMel(path: string, bands: number): Promise<{ data: Float32Array; frames: number }> {
  const { data, shape } = await readFloats(path);
  const [rows = 0, columns = 0, ...more] = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  if (more.length === 0 && rows === bands && columns > 0) return { data, frames: columns };
  if (more.length === 0 && columns === bands && rows > 0) {
    const turned = new Float32Array(data.length);
    for (let t = 0; t < rows; t++) for (let b = 0; b < bands; b++) turned[b * rows + t] = data[t * bands + b]!;
    return { data: turned, frames: rows };
  }
  throw new InputError(`${path}: has shape [${shape}]; expected [${bands}, frames], the log-mel of the prompt`);
}
