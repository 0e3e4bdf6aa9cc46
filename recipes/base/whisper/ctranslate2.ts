/**
 * Reads a CTranslate2 `model.bin` (version 6): the form in which Whisper base comes from the package registry.
 *
 * Little endian; a string is a u16 length that counts a closing NUL, then its bytes. Header: u32 version, the spec's
 * name, u32 revision, u32 number of variables. A variable: name, u8 rank, u32 for each dimension, u8 type, u32 bytes,
 * data. After the variables: u32 number of aliases, each a pair of names.
 */
import { RecipeError } from "../stages/errors.ts";

const TYPES = ["F32", "I8", "I16", "I32", "F16", "BF16"] as const;

export interface Variable {
  dtype: (typeof TYPES)[number];
  shape: number[];
  /** Little-endian, row-major. */
  data: Uint8Array;
}

export interface CTranslate2Model {
  /** E.g. `WhisperSpec`. */
  spec: string;
  variables: Map<string, Variable>;
  /** Other names of variables: alias → name. */
  aliases: Map<string, string>;
}

/** Parses a whole model file held in memory; data are views of it. */
export function readCTranslate2(file: Uint8Array): CTranslate2Model {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let at = 0;
  const need = (bytes: number) => {
    if (at + bytes > file.length) {
      throw new RecipeError(`model.bin ends early: ${bytes} bytes wanted at ${at}, the file has ${file.length}`);
    }
    at += bytes;
    return at - bytes;
  };
  const u8 = () => view.getUint8(need(1));
  const u16 = () => view.getUint16(need(2), true);
  const u32 = () => view.getUint32(need(4), true);
  const text = () => {
    const length = u16();
    const start = need(length);
    return new TextDecoder().decode(file.subarray(start, start + length - 1));
  };

  const version = u32();
  if (version !== 6) throw new RecipeError(`model.bin: CTranslate2 version ${version}, expected 6`);
  const spec = text();
  u32();
  const variables = new Map<string, Variable>();
  for (let left = u32(); left > 0; left--) {
    const name = text();
    const shape = Array.from({ length: u8() }, u32);
    const type = u8();
    const dtype = TYPES[type];
    if (!dtype) throw new RecipeError(`model.bin: ${name} has type ${type}, expected 0 to ${TYPES.length - 1}`);
    const bytes = u32();
    const start = need(bytes);
    variables.set(name, { dtype, shape, data: file.subarray(start, start + bytes) });
  }
  const aliases = new Map<string, string>();
  for (let left = u32(); left > 0; left--) aliases.set(text(), text());
  return { spec, variables, aliases };
}
