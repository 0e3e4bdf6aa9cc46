/**
 * Outputs of a frozen part of a network, kept on disk so that it runs once a clip instead of once a step.
 *
 * `DIR/HASH/` belongs to one key: preparation, model, whatever else decides the outputs. Every process that adds to it
 * writes a pair of files of its own, so that processes never share one and nothing has to be locked:
 *
 * - `NAME.f16`: the arrays one after the other as little-endian float16;
 * - `NAME.idx`: a 64-byte entry an array: 24 bytes of the id's SHA-256, offset (float64), rank and up to 4 dimensions
 *   (uint32), CRC-32 of the array, 4 unused bytes, CRC-32 of the entry's first 60 bytes.
 *
 * An entry is written after its array. What a kill leaves behind is an array without entry, which is never looked at, or
 * part of an entry, whose checksum fails: either way that one clip is computed again. Files are never changed afterwards.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { float16ToFloat32, float32ToFloat16, type NumericArray } from "@uat/graph";
import { TrainingError } from "../errors.ts";
import type { Clip } from "./example.ts";

const ENTRY_BYTES = 64;
const ID_BYTES = 24;
const MOST_DIMENSIONS = 4;
/** A pair of files grows to this size, then the next one is begun. */
const SHARD_BYTES = 2 ** 30;

interface Entry {
  readonly shard: string;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly checksum: number;
}

/** The pair of files that is being written, and how far. */
interface Writer {
  readonly name: string;
  readonly data: FileHandle;
  readonly index: FileHandle;
  offset: number;
  entries: number;
}

/** Arrays by id. */
export class FeatureCache {
  readonly #folder: string;
  readonly #entries: Map<string, Entry>;
  readonly #readers = new Map<string, Promise<FileHandle>>();
  #writer: Writer | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, entries: Map<string, Entry>) {
    this.#folder = folder;
    this.#entries = entries;
  }

  /**
   * Opens the arrays kept under `key`, none the first time.
   * @param key everything that decides an output but the clip: other keys have arrays of their own.
   * @throws TrainingError when the folder cannot be made or read.
   */
  static async open(dir: string, key: string): Promise<FeatureCache> {
    const folder = join(dir, createHash("sha256").update(key).digest("hex").slice(0, 32));
    const entries = new Map<string, Entry>();
    try {
      await mkdir(folder, { recursive: true });
      for (const file of (await readdir(folder)).sort()) {
        if (file.endsWith(".idx")) await readIndex(folder, file.slice(0, -4), entries);
      }
    } catch (cause) {
      throw diskError(folder, cause);
    }
    return new FeatureCache(folder, entries);
  }

  /** Arrays kept. */
  get size(): number {
    return this.#entries.size;
  }

  has(id: string): boolean {
    return this.#entries.has(hashed(id));
  }

  /** An array, exact to half precision; undefined when there is none or the disk has damaged it. */
  async get(id: string): Promise<(NumericArray & { readonly data: Float32Array }) | undefined> {
    const key = hashed(id);
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    const bytes = Buffer.alloc(2 * sizeOf(entry.shape));
    try {
      const file = await this.#reader(entry.shard);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, entry.offset);
      if (bytesRead < bytes.length || crc32(bytes) !== entry.checksum) {
        this.#entries.delete(key);
        return undefined;
      }
    } catch (cause) {
      throw diskError(join(this.#folder, `${entry.shard}.f16`), cause);
    }
    const half = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    return { data: float16ToFloat32(half), shape: entry.shape };
  }

  /**
   * Adds an array; one that is there already stays.
   * @throws TrainingError for a value that float16 cannot hold, and when the disk is full: what was added before stays.
   */
  append(id: string, data: Float32Array, shape: readonly number[]): Promise<void> {
    const added = this.#queue.then(() => this.#append(id, data, shape));
    this.#queue = added.catch(() => {});
    return added;
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#writer?.data.close();
    await this.#writer?.index.close();
    this.#writer = undefined;
    for (const reader of this.#readers.values()) await (await reader).close();
    this.#readers.clear();
  }

  async #append(id: string, data: Float32Array, shape: readonly number[]): Promise<void> {
    if (shape.length > MOST_DIMENSIONS || sizeOf(shape) !== data.length) {
      throw new RangeError(`${data.length} values for shape [${shape.join(", ")}]`);
    }
    const key = hashed(id);
    if (this.#entries.has(key)) return;
    const half = float32ToFloat16(data);
    const bad = half.findIndex((value) => (value & 0x7c00) === 0x7c00);
    if (bad >= 0) {
      throw new TrainingError(
        `${id}: output ${data[bad]} at ${bad} does not fit float16; expected numbers up to 65504; train without the cache`,
      );
    }
    const bytes = Buffer.from(half.buffer, half.byteOffset, half.byteLength);
    const checksum = crc32(bytes);
    try {
      const writer = await this.#writable();
      const { offset } = writer;
      await writeAll(writer.data, bytes, offset);
      await writeAll(writer.index, encodeEntry(key, offset, shape, checksum), writer.entries * ENTRY_BYTES);
      writer.offset += bytes.length;
      writer.entries++;
      this.#entries.set(key, { shard: writer.name, offset, shape: [...shape], checksum });
    } catch (cause) {
      throw diskError(this.#folder, cause);
    }
  }

  /** The pair of files that is written now; a name is taken by creating the file, which only one process can. */
  async #writable(): Promise<Writer> {
    if (this.#writer && this.#writer.offset < SHARD_BYTES) return this.#writer;
    await this.#writer?.data.close();
    await this.#writer?.index.close();
    this.#writer = undefined;
    for (let number = (await readdir(this.#folder)).length; ; number++) {
      const name = String(number).padStart(6, "0");
      try {
        const data = await open(join(this.#folder, `${name}.f16`), "wx");
        const index = await open(join(this.#folder, `${name}.idx`), "wx").catch(async (cause) => {
          await data.close();
          throw cause;
        });
        return (this.#writer = { name, data, index, offset: 0, entries: 0 });
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause;
      }
    }
  }

  #reader(shard: string): Promise<FileHandle> {
    const known = this.#readers.get(shard);
    if (known) return known;
    const file = open(join(this.#folder, `${shard}.f16`), "r");
    this.#readers.set(shard, file);
    return file;
  }
}

async function readIndex(folder: string, shard: string, entries: Map<string, Entry>): Promise<void> {
  const index = await readFile(join(folder, `${shard}.idx`));
  const data = await open(join(folder, `${shard}.f16`), "r").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw cause;
  });
  if (!data) return;
  const { size } = await data.stat().finally(() => data.close());
  for (let at = 0; at + ENTRY_BYTES <= index.length; at += ENTRY_BYTES) {
    const found = decodeEntry(index.subarray(at, at + ENTRY_BYTES));
    if (found && found.offset + 2 * sizeOf(found.shape) <= size) entries.set(found.key, { shard, ...found });
  }
}

function encodeEntry(key: string, offset: number, shape: readonly number[], checksum: number): Buffer {
  const entry = Buffer.alloc(ENTRY_BYTES);
  entry.write(key, "hex");
  entry.writeDoubleLE(offset, ID_BYTES);
  entry.writeUInt32LE(shape.length, ID_BYTES + 8);
  for (const [i, size] of shape.entries()) entry.writeUInt32LE(size, ID_BYTES + 12 + 4 * i);
  entry.writeUInt32LE(checksum, ID_BYTES + 28);
  entry.writeUInt32LE(crc32(entry.subarray(0, ENTRY_BYTES - 4)), ENTRY_BYTES - 4);
  return entry;
}

function decodeEntry(entry: Buffer): (Omit<Entry, "shard"> & { readonly key: string }) | undefined {
  if (crc32(entry.subarray(0, ENTRY_BYTES - 4)) !== entry.readUInt32LE(ENTRY_BYTES - 4)) return undefined;
  const rank = entry.readUInt32LE(ID_BYTES + 8);
  if (rank > MOST_DIMENSIONS) return undefined;
  return {
    key: entry.toString("hex", 0, ID_BYTES),
    offset: entry.readDoubleLE(ID_BYTES),
    shape: Array.from({ length: rank }, (_, i) => entry.readUInt32LE(ID_BYTES + 12 + 4 * i)),
    checksum: entry.readUInt32LE(ID_BYTES + 28),
  };
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

const hashed = (id: string): string =>
  createHash("sha256")
    .update(id)
    .digest("hex")
    .slice(0, 2 * ID_BYTES);

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function diskError(path: string, cause: unknown): TrainingError {
  if (cause instanceof TrainingError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new TrainingError(
    full
      ? `${path}: the disk is full; free some space, or put the cache on another disk`
      : `${path}: cannot be used as a cache (${message}); give a folder of yours`,
    { cause },
  );
}

/** Of files that were hashed already, by path: size and time of change, and the hash. */
const fileHashes = new Map<string, { readonly stamp: string; readonly hash: string }>();
const MOST_HASHES = 2 ** 20;

/**
 * An id for a clip's outputs: its row and the content of its audio, so that a file that was replaced is not taken for the
 * one before. Files are hashed once, and again when their size or time of change differs.
 * @throws TrainingError when the file cannot be read.
 */
export async function clipIdentity(clip: Clip & { readonly id: string }): Promise<string> {
  const content = "path" in clip.audio ? await fileHash(clip.audio.path) : sha256(clip.audio.bytes);
  return JSON.stringify([clip.id, content, clip.start ?? 0, clip.duration ?? null]);
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function fileHash(path: string): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const { size, mtimeMs } = await file.stat();
      const stamp = `${size} ${mtimeMs}`;
      const known = fileHashes.get(path);
      if (known?.stamp === stamp) return known.hash;
      const hash = createHash("sha256");
      for await (const chunk of file.createReadStream({ autoClose: false, highWaterMark: 2 ** 18 })) hash.update(chunk);
      const entry = { stamp, hash: hash.digest("hex") };
      if (fileHashes.size >= MOST_HASHES) fileHashes.clear();
      fileHashes.set(path, entry);
      return entry.hash;
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new TrainingError(`${path}: cannot be read (${(cause as Error).message}); check the path`, { cause });
  }
}
