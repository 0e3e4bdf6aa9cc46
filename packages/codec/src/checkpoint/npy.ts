/**
 * NumPy's .npy: magic, version, a header that is a Python dict literal of descr, fortran_order and shape, then the values.
 * Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { toFloat32 } from "@uat/graph";
import { CheckpointError, shown } from "./errors.ts";
import { elementCount } from "./tensor-store.ts";

/** Element types read and written: float64, float32, float16, int64, int32, int16, int8, uint8, bool. */
export type NpyType = "f8" | "f4" | "f2" | "i8" | "i4" | "i2" | "i1" | "u1" | "b1";

/** Array class of each type; float16 is widened to float32, bool is 0 or 1. */
export interface NpyArrays {
  f8: Float64Array;
  f4: Float32Array;
  f2: Float32Array;
  i8: BigInt64Array;
  i4: Int32Array;
  i2: Int16Array;
  i1: Int8Array;
  u1: Uint8Array;
  b1: Uint8Array;
}

/** An array with its shape, row-major. `type` is what the file holds. */
export type NpyArray = {
  [T in NpyType]: { readonly type: T; readonly shape: readonly number[]; readonly data: NpyArrays[T] };
}[NpyType];

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER_BYTES = 65_536;
const MAX_RANK = 32;

/**
 * Reads a .npy file of version 1, 2 or 3, either byte order, C or Fortran order.
 * @param bytes the whole file.
 * @param file named in messages.
 * @returns row-major values; may share memory with `bytes`.
 * @throws CheckpointError when the file is damaged, cut short, too long, or of another element type.
 */
export function readNpy(bytes: Uint8Array, file = "npy file"): NpyArray {
  const fail = (what: string): never => {
    throw new CheckpointError(`${file}: ${what}`);
  };
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) fail("is not a .npy file");
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`has .npy version ${version}; supported are 1 to 3`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (version > 1 && bytes.length < 12) fail("is cut short");
  const headerLength = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = (version === 1 ? 10 : 12) + headerLength;
  if (headerLength > MAX_HEADER_BYTES || start > bytes.length)
    fail("its header is longer than the file; it is cut short or corrupt");
  const header = new TextDecoder().decode(bytes.subarray(start - headerLength, start));
  const { descr, fortran, shape } = parseHeader(header, fail);

  const [, order, type] =
    /^([<>|=])(f8|f4|f2|i8|i4|i2|i1|u1|b1)$/.exec(descr) ??
    fail(`has element type ${shown(descr)}; supported are f8, f4, f2, i8, i4, i2, i1, u1 and b1`);
  const itemBytes = Number(type![1]);
  const count = elementCount(shape);
  const expected = count * itemBytes;
  if (!Number.isSafeInteger(expected) || expected !== bytes.length - start)
    fail(`shape ${shown(shape)} of ${descr} does not fit the ${bytes.length - start} bytes of values`);
  let raw = bytes.subarray(start);
  if (order === ">" && itemBytes > 1) raw = swapped(raw, itemBytes);
  if (fortran && shape.length > 1) raw = transposed(raw, shape, itemBytes);
  if (raw.byteOffset % itemBytes) raw = raw.slice();
  return { type, shape, data: typedArray(type as NpyType, raw, count) } as NpyArray;
}

/** The three entries of the header, whose grammar is small enough for patterns. */
function parseHeader(
  header: string,
  fail: (what: string) => never,
): { descr: string; fortran: boolean; shape: number[] } {
  const entries = /^\s*\{(.*)\}\s*$/s.exec(header)?.[1] ?? fail("its header is not a dict");
  const pattern =
    /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([^'"]*)\3|(True|False)|\(([\dL,\s]*)\))\s*(?:,|$)/y;
  let descr: string | undefined;
  let fortran: boolean | undefined;
  let shape: number[] | undefined;
  while (pattern.lastIndex < entries.length && /\S/.test(entries.slice(pattern.lastIndex, pattern.lastIndex + 80))) {
    const match = pattern.exec(entries) ?? fail("its header is not what NumPy writes");
    const [, , key, , text, truth, sizes] = match;
    if (key === "descr" && text !== undefined && descr === undefined) descr = text;
    else if (key === "fortran_order" && truth && fortran === undefined) fortran = truth === "True";
    else if (key === "shape" && sizes !== undefined && shape === undefined) {
      const parts = sizes
        .replaceAll("L", "")
        .split(",")
        .map((part) => part.trim());
      if (parts.at(-1) === "") parts.pop();
      shape = parts.map((part) => (/^\d{1,15}$/.test(part) ? Number(part) : fail("its shape is not a list of sizes")));
    } else fail("its header is not what NumPy writes");
  }
  if (descr === undefined || fortran === undefined || shape === undefined || shape.length > MAX_RANK)
    return fail("its header lacks descr, fortran_order or shape, or is of too many dimensions");
  return { descr, fortran, shape };
}

function typedArray(type: NpyType, raw: Uint8Array, count: number): NpyArrays[NpyType] {
  const { buffer, byteOffset } = raw;
  switch (type) {
    case "f8":
      return new Float64Array(buffer, byteOffset, count);
    case "f4":
      return new Float32Array(buffer, byteOffset, count);
    case "f2":
      return toFloat32(raw, "F16");
    case "i8":
      return new BigInt64Array(buffer, byteOffset, count);
    case "i4":
      return new Int32Array(buffer, byteOffset, count);
    case "i2":
      return new Int16Array(buffer, byteOffset, count);
    case "i1":
      return new Int8Array(buffer, byteOffset, count);
    default:
      return raw;
  }
}

function swapped(raw: Uint8Array, itemBytes: number): Uint8Array {
  const result = raw.slice();
  for (let i = 0; i < result.length; i += itemBytes) result.subarray(i, i + itemBytes).reverse();
  return result;
}

/** Column-major bytes to row-major. */
function transposed(raw: Uint8Array, shape: readonly number[], itemBytes: number): Uint8Array {
  const result = new Uint8Array(raw.length);
  const strides: number[] = [];
  shape.reduce((stride, size) => {
    strides.push(stride);
    return stride * size;
  }, 1);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < raw.length; to += itemBytes) {
    for (let b = 0; b < itemBytes; b++) result[to + b] = raw[from * itemBytes + b]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/**
 * Any numeric array as numbers.
 * @throws CheckpointError when an int64 does not fit a double exactly.
 */
export function npyNumbers(array: NpyArray, file = "npy file"): Float64Array {
  return Float64Array.from(array.data as Iterable<number | bigint>, (value) => {
    const converted = Number(value);
    if (typeof value === "bigint" && !Number.isSafeInteger(converted))
      throw new CheckpointError(`${file}: the value ${value} is too large`);
    return converted;
  });
}

/** Element type of the typed arrays that {@link writeNpy} takes. */
export type NpyWritable =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/**
 * A .npy file (version 1, little-endian, C order).
 * @param data row-major values; the array's class gives the element type.
 * @throws RangeError when the shape does not fit the data.
 */
export function writeNpy(data: NpyWritable, shape: readonly number[] = [data.length]): Uint8Array {
  if (elementCount(shape) !== data.length) throw new RangeError(`shape [${shape}] does not fit ${data.length} values`);
  const descr = WRITTEN.find(([type]) => data instanceof type)![1];
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  // NumPy pads so that the values start at a multiple of 64.
  const headerLength = Math.ceil((10 + dict.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + headerLength + data.byteLength);
  bytes.set([...MAGIC, 1, 0, headerLength & 255, headerLength >> 8]);
  bytes.set(new TextEncoder().encode(`${dict.padEnd(headerLength - 1)}\n`), 10);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + headerLength);
  return bytes;
}

const WRITTEN = [
  [Float64Array, "<f8"],
  [Float32Array, "<f4"],
  [BigInt64Array, "<i8"],
  [Int32Array, "<i4"],
  [Int16Array, "<i2"],
  [Int8Array, "|i1"],
  [Uint8Array, "|u1"],
] as const;
