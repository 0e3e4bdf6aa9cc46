/**
 * Random access to the bytes of a file, wherever they lie: in memory, on a disk, behind HTTP ranges or in a `Blob`.
 * Readers ask for small ranges, so an hour-long file is never held whole.
 */
import { AudioError } from "./errors.ts";

/** Random-access bytes. `read` may return fewer bytes than asked for at the end of the data, never more. */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /** What messages call this source, usually a file name. */
  readonly name?: string;
  /** The bytes [offset, offset + length), cut at the end of the source. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A whole file in memory as a {@link ByteSource}. */
export function memorySource(data: Uint8Array, name?: string): ByteSource {
  const bytes = plainBytes(data);
  return {
    size: bytes.length,
    ...(name === undefined ? {} : { name }),
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** A browser `Blob` or `File` as a {@link ByteSource}; bytes are fetched when a reader asks for them. */
export function blobSource(blob: Blob, name?: string): ByteSource {
  const label = name ?? ("name" in blob && typeof blob.name === "string" ? blob.name : undefined);
  return {
    size: blob.size,
    ...(label === undefined ? {} : { name: label }),
    read: async (offset, length) => new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()),
  };
}

const WINDOW = 1 << 16;

/** Sequential reading with look-ahead over a {@link ByteSource}, through one buffered window. */
export class ByteReader {
  readonly source: ByteSource;
  /** Offset of the next byte that `take` returns. */
  position = 0;
  #window: Uint8Array = new Uint8Array(0);
  #windowStart = 0;

  constructor(source: ByteSource, position = 0) {
    this.source = source;
    this.position = position;
  }

  /** Bytes between the position and the end. */
  get remaining(): number {
    return Math.max(0, this.source.size - this.position);
  }

  /** Up to `length` bytes at the position, without moving; fewer only at the end of the source. Do not keep or write. */
  async peek(length: number): Promise<Uint8Array> {
    const end = Math.min(this.position + length, this.source.size);
    if (this.position < this.#windowStart || end > this.#windowStart + this.#window.length) {
      const wanted = Math.min(Math.max(end - this.position, WINDOW), Math.max(0, this.source.size - this.position));
      this.#window = await readFully(this.source, this.position, wanted);
      this.#windowStart = this.position;
    }
    const start = this.position - this.#windowStart;
    return this.#window.subarray(start, start + Math.max(0, end - this.position));
  }

  /** Exactly `length` bytes, or an {@link AudioError} saying that `what` is cut short. */
  async take(length: number, what: string): Promise<Uint8Array> {
    const bytes = await this.peek(length);
    if (bytes.length < length) throw truncated(this.source, what, this.position + length);
    this.position += length;
    return bytes;
  }
}

/** The same memory as a plain `Uint8Array`: a Node `Buffer` is one too, but its `slice` shares memory. */
function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads `length` bytes at `offset`, calling `read` again while the source gives less than it promised. */
export async function readFully(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const first = plainBytes(await source.read(offset, length));
  if (first.length >= length) return first.length === length ? first : first.subarray(0, length);
  const out = new Uint8Array(length);
  let filled = 0;
  for (
    let part = first;
    part.length > 0 && filled < length;
    part = await source.read(offset + filled, length - filled)
  ) {
    out.set(part.subarray(0, length - filled), filled);
    filled += part.length;
    if (filled >= length) break;
  }
  return out.subarray(0, Math.min(filled, length));
}

/** What messages call a source. */
export function nameOf(source: ByteSource): string {
  return source.name ?? "audio data";
}

/** The error for a file that ends before its own headers say it should. */
export function truncated(source: ByteSource, what: string, expectedEnd?: number): AudioError {
  const detail =
    expectedEnd === undefined
      ? ""
      : ` (it has ${source.size} bytes, ${what} needs at least ${Math.round(expectedEnd)})`;
  return new AudioError(
    `${nameOf(source)}: file is truncated: ${what} is incomplete${detail}; copy or encode it again`,
  );
}

/** The error for a file whose contents contradict its format. */
export function corrupt(source: ByteSource, why: string): AudioError {
  return new AudioError(`${nameOf(source)}: file is corrupt: ${why}; copy or encode it again`);
}
