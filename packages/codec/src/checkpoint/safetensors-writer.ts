/** Writing of safetensors (format: safetensors.ts), whole or piece by piece. */
import { elementCount, ITEM_BYTES, type TensorData, type TensorInfo } from "./tensor-store.ts";

/** A tensor whose bytes (little-endian, row-major) are made when their turn comes. */
export interface LazyTensor extends TensorInfo {
  readonly data: () => Uint8Array | Promise<Uint8Array>;
}

/**
 * Writes tensors to `sink`, in order, holding one at a time in memory. Types with longer elements come first, so that
 * every tensor lies at a multiple of its element size and can be memory-mapped.
 * @param metadata free-form strings for the header.
 * @throws RangeError when a tensor's bytes do not fit its type and shape.
 */
export async function streamSafetensors(
  tensors: ReadonlyMap<string, LazyTensor>,
  sink: (chunk: Uint8Array) => void | Promise<void>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  const ordered = inOrder(tensors);
  await sink(header(ordered, metadata));
  for (const [name, tensor] of ordered) {
    const data = await tensor.data();
    checkLength(name, tensor, data);
    await sink(data);
  }
}

/** The bytes of a safetensors file. @throws RangeError when a tensor's bytes do not fit its type and shape. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, TensorData>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const ordered = inOrder(tensors);
  const head = header(ordered, metadata);
  const bytes = new Uint8Array(ordered.reduce((total, [, tensor]) => total + byteLength(tensor), head.byteLength));
  bytes.set(head);
  let offset = head.byteLength;
  for (const [name, tensor] of ordered) {
    checkLength(name, tensor, tensor.data);
    bytes.set(tensor.data, offset);
    offset += tensor.data.byteLength;
  }
  return bytes;
}

function inOrder<T extends TensorInfo>(tensors: ReadonlyMap<string, T>): [string, T][] {
  return [...tensors].sort(
    ([a, { dtype: s }], [b, { dtype: t }]) => ITEM_BYTES[t] - ITEM_BYTES[s] || (a < b ? -1 : a > b ? 1 : 0),
  );
}

function byteLength(tensor: TensorInfo): number {
  return elementCount(tensor.shape) * ITEM_BYTES[tensor.dtype];
}

function checkLength(name: string, tensor: TensorInfo, data: Uint8Array): void {
  if (data.byteLength !== byteLength(tensor))
    throw new RangeError(
      `tensor ${name}: ${tensor.dtype} [${tensor.shape}] needs ${byteLength(tensor)} bytes, got ${data.byteLength}`,
    );
}

/** Length and JSON, padded by blanks so that the data starts at a multiple of 8. */
function header(tensors: readonly [string, TensorInfo][], metadata?: Readonly<Record<string, string>>): Uint8Array {
  const entries: [string, unknown][] = metadata ? [["__metadata__", metadata]] : [];
  let offset = 0;
  for (const [name, tensor] of tensors) {
    const end = offset + byteLength(tensor);
    entries.push([name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}
