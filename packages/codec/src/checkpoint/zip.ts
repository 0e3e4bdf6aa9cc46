/**
 * Reading of zip archives (stored and deflated entries, zip64), as far as `torch.save` needs it.
 * Format: PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5.3.
 */
import { inflateSync } from "fflate";
import type { ByteSource } from "./byte-source.ts";
import { CheckpointError, shown } from "./errors.ts";

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly stored: boolean;
  /** Length after inflation. */
  readonly size: number;
  readonly compressedSize: number;
  readonly crc32: number;
  readonly headerOffset: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_DIRECTORY_BYTES = 64 * 2 ** 20;
/** Deflate cannot shrink by more: what claims to is lying about its length. */
const MAX_DEFLATE_RATIO = 1032;

/** A zip archive whose directory has been read. */
export class ZipArchive {
  readonly source: ByteSource;
  readonly entries: ReadonlyMap<string, ZipEntry>;
  readonly #dataOffsets = new Map<ZipEntry, number>();

  private constructor(source: ByteSource, entries: Map<string, ZipEntry>) {
    this.source = source;
    this.entries = entries;
  }

  /** @throws CheckpointError when `source` is not a zip archive or its directory is damaged. */
  static async open(source: ByteSource): Promise<ZipArchive> {
    return new ZipArchive(source, await readDirectory(source));
  }

  /** Start of an entry's bytes in the file, past its local header. @throws CheckpointError when that is damaged. */
  async dataOffset(entry: ZipEntry): Promise<number> {
    const known = this.#dataOffsets.get(entry);
    if (known !== undefined) return known;
    const header = view(await this.source.read(entry.headerOffset, 30));
    if (header.getUint32(0, true) !== LOCAL) fail(this.source, `entry ${shown(entry.name)} has no local header`);
    const offset = entry.headerOffset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
    if (offset + entry.compressedSize > this.source.size) fail(this.source, `entry ${shown(entry.name)} is cut short`);
    this.#dataOffsets.set(entry, offset);
    return offset;
  }

  /**
   * The whole entry, inflated.
   * @throws CheckpointError when it is damaged; the checksum is checked for deflated entries and those up to 64 MiB
   *   (larger stored ones are tensors, which the runtime maps without a look at them anyway).
   */
  async read(entry: ZipEntry): Promise<Uint8Array> {
    const raw = await this.source.read(await this.dataOffset(entry), entry.compressedSize);
    let bytes = raw;
    if (!entry.stored) {
      try {
        bytes = inflateSync(raw, { out: new Uint8Array(entry.size) });
      } catch {
        fail(this.source, `entry ${shown(entry.name)} is not valid deflate data`);
      }
    }
    if (bytes.byteLength !== entry.size)
      fail(this.source, `entry ${shown(entry.name)} has ${bytes.byteLength} bytes, its header says ${entry.size}`);
    if (bytes.byteLength <= MAX_DIRECTORY_BYTES || !entry.stored) {
      if (crc32(bytes) !== entry.crc32) fail(this.source, `entry ${shown(entry.name)} is corrupt (checksum mismatch)`);
    }
    return bytes;
  }
}

function fail(source: ByteSource, what: string): never {
  throw new CheckpointError(`${source.name}: ${what}`);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A 64-bit field; anything past 2^53 cannot be a position in a file and fails the range checks as Infinity would. */
function uint64(data: DataView, offset: number): number {
  return Number(data.getBigUint64(offset, true));
}

async function readDirectory(source: ByteSource): Promise<Map<string, ZipEntry>> {
  // The end record is the last 22 bytes, before a comment of up to 65,535.
  const tailLength = Math.min(source.size, 22 + 65535 + 20);
  const tailStart = source.size - tailLength;
  const tail = view(await source.read(tailStart, tailLength));
  let end = tailLength - 22;
  while (end >= 0 && !(tail.getUint32(end, true) === END && end + 22 + tail.getUint16(end + 20, true) === tailLength))
    end--;
  if (end < 0) fail(source, "has no zip directory; it is cut short or not a zip archive");
  let count = tail.getUint16(end + 10, true);
  let size = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  if (end >= 20 && tail.getUint32(end - 20, true) === END64_LOCATOR) {
    const end64 = view(await source.read(uint64(tail, end - 20 + 8), 56));
    if (end64.getUint32(0, true) !== END64) fail(source, "the zip64 directory record is damaged");
    count = uint64(end64, 32);
    size = uint64(end64, 40);
    offset = uint64(end64, 48);
  }
  if (size > MAX_DIRECTORY_BYTES || count * 46 > size) fail(source, "the zip directory is damaged");
  const bytes = await source.read(offset, size);
  const data = view(bytes);
  const entries = new Map<string, ZipEntry>();
  const decoder = new TextDecoder();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > size || data.getUint32(at, true) !== CENTRAL) fail(source, "the zip directory is damaged");
    const nameLength = data.getUint16(at + 28, true);
    const extraLength = data.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + data.getUint16(at + 32, true);
    if (next > size) fail(source, "the zip directory is damaged");
    const name = decoder.decode(bytes.subarray(at + 46, at + 46 + nameLength));
    if (entries.has(name)) fail(source, `the archive has ${shown(name)} twice`);
    entries.set(name, readEntry(source, data, at, name, at + 46 + nameLength, extraLength));
    at = next;
  }
  return entries;
}

function readEntry(
  source: ByteSource,
  data: DataView,
  at: number,
  name: string,
  extra: number,
  extraLength: number,
): ZipEntry {
  if (data.getUint16(at + 8, true) & 1) fail(source, `entry ${shown(name)} is encrypted`);
  const method = data.getUint16(at + 10, true);
  if (method !== 0 && method !== 8)
    fail(source, `entry ${shown(name)} uses zip method ${method}; supported are stored and deflated`);
  let compressedSize = data.getUint32(at + 20, true);
  let size = data.getUint32(at + 24, true);
  let headerOffset = data.getUint32(at + 42, true);
  // The zip64 extra field holds, in this order, those of the three that did not fit.
  for (let e = extra; e + 4 <= extra + extraLength; ) {
    const length = data.getUint16(e + 2, true);
    const last = e + 4 + length;
    if (last > extra + extraLength) break;
    if (data.getUint16(e, true) === 1) {
      let field = e + 4;
      const take = (): number => {
        if (field + 8 > last) fail(source, `entry ${shown(name)} has a damaged zip64 field`);
        field += 8;
        return uint64(data, field - 8);
      };
      if (size === 0xffffffff) size = take();
      if (compressedSize === 0xffffffff) compressedSize = take();
      if (headerOffset === 0xffffffff) headerOffset = take();
    }
    e = last;
  }
  const stored = method === 0;
  if (compressedSize > source.size || headerOffset > source.size || (stored && size !== compressedSize))
    fail(source, `entry ${shown(name)} lies outside the file; it is cut short or corrupt`);
  if (!stored && size > compressedSize * MAX_DEFLATE_RATIO + 64)
    fail(source, `entry ${shown(name)} says that ${compressedSize} bytes inflate to ${size}, which deflate cannot do`);
  return { name, stored, size, compressedSize, crc32: data.getUint32(at + 16, true), headerOffset };
}

let crcTable: Uint32Array | undefined;

/** CRC-32 (ISO-HDLC, the one of zip and PNG). */
export function crc32(bytes: Uint8Array): number {
  const table = (crcTable ??= makeCrcTable());
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeCrcTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    return c;
  });
}
