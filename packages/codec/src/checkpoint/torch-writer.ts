/**
 * Writing of `.pt` files as torch.save does (the zip form): `data.pkl`, a pickle of protocol 2 that names tensors, beside
 * their bytes as `data/0`, `data/1`, … Nothing is compressed and every storage begins at a multiple of 64 bytes, so that
 * it can be mapped. Opcodes as documented in CPython's Lib/pickletools.py, zip records in PKWARE APPNOTE 6.3.10.
 */
import { PickleTuple } from "./pickle.ts";
import type { LazyTensor } from "./safetensors-writer.ts";
import { type DType, elementCount, ITEM_BYTES } from "./tensor-store.ts";
import { crc32 } from "./zip.ts";

/**
 * What can be written. Maps and plain objects become dicts, arrays lists, whole numbers ints (others floats), null None;
 * a tensor is given by its type, shape and a function that makes its bytes when their turn comes.
 */
export type TorchValue =
  | null
  | boolean
  | number
  | string
  | LazyTensor
  | PickleTuple
  | readonly TorchValue[]
  | ReadonlyMap<string | number, TorchValue>
  | { readonly [key: string]: TorchValue };

/**
 * Writes one file to `sink`, holding one tensor at a time in memory. torch reads it with `weights_only=True`.
 * @throws RangeError when a tensor's bytes do not fit its type and shape or are 4 GiB or more; TypeError for anything else than a TorchValue.
 */
export async function streamTorchFile(
  value: TorchValue,
  sink: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const pickle = new PickleWriter();
  const head = pickle.write(value);
  const zip = new ZipWriter(sink);
  const text = new TextEncoder();
  await zip.add("archive/data.pkl", head);
  await zip.add("archive/byteorder", text.encode("little"));
  for (const [i, tensor] of pickle.tensors.entries()) {
    const data = await tensor.data();
    const expected = elementCount(tensor.shape) * ITEM_BYTES[tensor.dtype];
    if (expected >= MAX_32) throw new RangeError(`tensor ${i}: ${tensor.dtype} [${tensor.shape}] has 4 GiB or more`);
    if (data.byteLength !== expected)
      throw new RangeError(
        `tensor ${i}: ${tensor.dtype} [${tensor.shape}] needs ${expected} bytes, got ${data.byteLength}`,
      );
    await zip.add(`archive/data/${i}`, data);
  }
  await zip.add("archive/version", text.encode("3\n"));
  await zip.end();
}

const STORAGES: Readonly<Record<DType, string>> = {
  F64: "DoubleStorage",
  F32: "FloatStorage",
  F16: "HalfStorage",
  BF16: "BFloat16Storage",
  I64: "LongStorage",
  I32: "IntStorage",
  I16: "ShortStorage",
  I8: "CharStorage",
  U8: "ByteStorage",
  BOOL: "BoolStorage",
};

/** A growing run of bytes. */
class Bytes {
  #bytes = new Uint8Array(1024);
  #length = 0;

  /** Room for `count` more bytes, as a view on them. */
  take(count: number): DataView {
    if (this.#length + count > this.#bytes.length) {
      const larger = new Uint8Array(2 * (this.#length + count));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length += count;
    return new DataView(this.#bytes.buffer, this.#length - count, count);
  }

  add(bytes: Uint8Array): void {
    this.take(bytes.length);
    this.#bytes.set(bytes, this.#length - bytes.length);
  }

  get all(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

class PickleWriter {
  /** In the order of their storage numbers. */
  readonly tensors: LazyTensor[] = [];
  readonly #out = new Bytes();
  readonly #utf8 = new TextEncoder();

  write(value: TorchValue): Uint8Array {
    this.#bytes(0x80, 2); // PROTO
    this.#value(value);
    this.#op("."); // STOP
    return this.#out.all;
  }

  #op(opcodes: string): void {
    this.#out.add(this.#utf8.encode(opcodes));
  }

  #bytes(...bytes: number[]): void {
    this.#out.add(Uint8Array.from(bytes));
  }

  #value(value: TorchValue): void {
    if (value === null) this.#op("N");
    else if (typeof value === "boolean") this.#bytes(value ? 0x88 : 0x89);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#text(value);
    else if (value instanceof PickleTuple) this.#tuple(value.items as readonly TorchValue[]);
    else if (Array.isArray(value)) this.#list(value);
    else if (value instanceof Map) this.#dict(value);
    else if (isTensor(value)) this.#tensor(value);
    else if (Object.getPrototypeOf(value) === Object.prototype)
      this.#dict(new Map(Object.entries(value as { readonly [key: string]: TorchValue })));
    else throw new TypeError(`a file of torch.save cannot hold ${Object.prototype.toString.call(value)}`);
  }

  #number(value: number): void {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
      this.#op("J"); // BININT
      this.#out.take(4).setInt32(0, value, true);
    } else if (Number.isSafeInteger(value)) {
      this.#bytes(0x8a, 8); // LONG1
      this.#out.take(8).setBigInt64(0, BigInt(value), true);
    } else {
      this.#op("G"); // BINFLOAT
      this.#out.take(8).setFloat64(0, value, false);
    }
  }

  #text(value: string): void {
    const bytes = this.#utf8.encode(value);
    this.#op("X"); // BINUNICODE
    this.#out.take(4).setUint32(0, bytes.length, true);
    this.#out.add(bytes);
  }

  #tuple(items: readonly TorchValue[]): void {
    this.#op("("); // MARK
    for (const item of items) this.#value(item);
    this.#op("t"); // TUPLE
  }

  #list(items: readonly TorchValue[]): void {
    this.#op("]("); // EMPTY_LIST, MARK
    for (const item of items) this.#value(item);
    this.#op("e"); // APPENDS
  }

  #dict(items: ReadonlyMap<string | number, TorchValue>): void {
    this.#op("}("); // EMPTY_DICT, MARK
    for (const [key, item] of items) {
      this.#value(key);
      this.#value(item);
    }
    this.#op("u"); // SETITEMS
  }

  /** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks) */
  #tensor(tensor: LazyTensor): void {
    const { dtype, shape } = tensor;
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((product, d) => product * d, 1));
    this.#op("ctorch._utils\n_rebuild_tensor_v2\n((");
    this.#text("storage");
    this.#op(`ctorch\n${STORAGES[dtype]}\n`);
    this.#text(String(this.tensors.length));
    this.#text("cpu");
    this.#number(elementCount(shape));
    this.#op("tQ"); // TUPLE, BINPERSID
    this.#number(0);
    this.#tuple(shape);
    this.#tuple(strides);
    this.#value(false);
    this.#op("ccollections\nOrderedDict\n)R"); // EMPTY_TUPLE, REDUCE
    this.#op("tR");
    this.tensors.push(tensor);
  }
}

function isTensor(value: object): value is LazyTensor {
  return typeof (value as LazyTensor).data === "function";
}

/** The largest number that a 32-bit field of a zip archive holds itself. */
const MAX_32 = 0xffffffff;
const ALIGNMENT = 64;

/** A zip archive of stored entries of less than 4 GiB; positions past that go to the zip64 fields. */
class ZipWriter {
  readonly #sink: (chunk: Uint8Array) => void | Promise<void>;
  readonly #entries: { name: Uint8Array; size: number; crc: number; offset: number }[] = [];
  #position = 0;

  constructor(sink: (chunk: Uint8Array) => void | Promise<void>) {
    this.#sink = sink;
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    await this.#sink(bytes);
    this.#position += bytes.length;
  }

  async add(fileName: string, data: Uint8Array): Promise<void> {
    const name = new TextEncoder().encode(fileName);
    const entry = { name, size: data.length, crc: crc32(data), offset: this.#position };
    this.#entries.push(entry);
    // torch pads by an extra field "FB", whose own head takes 4 bytes
    const unpadded = this.#position + 30 + name.length + 4;
    const padding = Math.ceil(unpadded / ALIGNMENT) * ALIGNMENT - unpadded;
    const header = new Uint8Array(30 + name.length + 4 + padding);
    const view = new DataView(header.buffer);
    view.setUint32(0, 0x04034b50, true);
    commonFields(view, 4, entry);
    view.setUint16(28, 4 + padding, true);
    header.set(name, 30);
    view.setUint16(30 + name.length, 0x4246, true);
    view.setUint16(32 + name.length, padding, true);
    await this.#write(header);
    await this.#write(data);
  }

  /** The directory. */
  async end(): Promise<void> {
    const start = this.#position;
    for (const entry of this.#entries) {
      const far = entry.offset >= MAX_32;
      const extra = far ? zip64Offset(entry.offset) : new Uint8Array(0);
      const record = new Uint8Array(46 + entry.name.length + extra.length);
      const view = new DataView(record.buffer);
      view.setUint32(0, 0x02014b50, true);
      view.setUint16(4, 45, true);
      commonFields(view, 6, entry);
      view.setUint16(30, extra.length, true);
      view.setUint32(42, far ? MAX_32 : entry.offset, true);
      record.set(entry.name, 46);
      record.set(extra, 46 + entry.name.length);
      await this.#write(record);
    }
    const length = this.#position - start;
    const count = this.#entries.length;
    const needs64 = start >= MAX_32 || count >= 0xffff;
    if (needs64) await this.#write(zip64End(this.#position, count, length, start));
    const end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, needs64 ? 0xffff : count, true);
    end.setUint16(10, needs64 ? 0xffff : count, true);
    end.setUint32(12, needs64 ? MAX_32 : length, true);
    end.setUint32(16, needs64 ? MAX_32 : start, true);
    await this.#write(new Uint8Array(end.buffer));
  }
}

/** The fields that local header and directory share, from `version needed` to the length of the name. */
function commonFields(view: DataView, at: number, entry: { name: Uint8Array; size: number; crc: number }): void {
  view.setUint16(at, 20, true);
  view.setUint16(at + 2, 0x0800, true); // names are UTF-8
  view.setUint16(at + 4, 0, true); // stored
  view.setUint32(at + 6, 0x00210000, true); // 1980-01-01, so that equal contents make equal files
  view.setUint32(at + 10, entry.crc, true);
  view.setUint32(at + 14, entry.size, true);
  view.setUint32(at + 18, entry.size, true);
  view.setUint16(at + 22, entry.name.length, true);
}

function zip64Offset(offset: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(12));
  view.setUint16(0, 1, true);
  view.setUint16(2, 8, true);
  view.setBigUint64(4, BigInt(offset), true);
  return new Uint8Array(view.buffer);
}

/** The zip64 end record and its locator. */
function zip64End(position: number, count: number, length: number, start: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(56 + 20));
  view.setUint32(0, 0x06064b50, true);
  view.setBigUint64(4, 44n, true);
  view.setUint16(12, 45, true);
  view.setUint16(14, 45, true);
  view.setBigUint64(24, BigInt(count), true);
  view.setBigUint64(32, BigInt(count), true);
  view.setBigUint64(40, BigInt(length), true);
  view.setBigUint64(48, BigInt(start), true);
  view.setUint32(56, 0x07064b50, true);
  view.setBigUint64(64, BigInt(position), true);
  view.setUint32(72, 1, true);
  return new Uint8Array(view.buffer);
}
