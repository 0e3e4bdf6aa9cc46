/**
 * The Ogg container (RFC 3533): pages with a checksum, each holding pieces of packets of one logical stream. The first
 * audio stream found is read; others, e.g. cover pictures or video, are passed over.
 */
import { type ByteReader, type ByteSource, corrupt, nameOf, truncated } from "./byte-source.ts";
import { AudioError } from "./errors.ts";

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let i = 0; i < 8; i++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc >>> 0;
});

/** The checksum of a whole page, whatever stands in its checksum's place. */
export function pageChecksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    // The checksum's own four bytes count as zero.
    const byte = i >= 22 && i < 26 ? 0 : page[i]!;
    crc = ((crc << 8) ^ CRC[((crc >>> 24) ^ byte) & 0xff]!) >>> 0;
  }
  return crc;
}

interface Page {
  serial: number;
  granule: number;
  first: boolean;
  last: boolean;
  continued: boolean;
  sequence: number;
  segments: Uint8Array;
  body: Uint8Array;
}

async function readPage(reader: ByteReader): Promise<Page | undefined> {
  if (reader.remaining === 0) return undefined;
  const source = reader.source;
  const start = reader.position;
  const head = await reader.peek(27);
  if (head.length >= 4 && !isOgg(head)) throw corrupt(source, `no Ogg page at byte ${start}`);
  if (head.length < 27) throw truncated(source, "an Ogg page header", start + 27);
  const table = head[26]!;
  const withTable = await reader.peek(27 + table);
  if (withTable.length < 27 + table) throw truncated(source, "an Ogg page header", start + 27 + table);
  let size = 0;
  for (let i = 0; i < table; i++) size += withTable[27 + i]!;
  const page = (await reader.take(27 + table + size, `the Ogg page at byte ${start}`)).slice();
  const view = new DataView(page.buffer);
  if (view.getUint32(22, true) !== pageChecksum(page)) {
    throw corrupt(source, `the Ogg page at byte ${start} fails its checksum`);
  }
  return {
    continued: (page[5]! & 1) !== 0,
    first: (page[5]! & 2) !== 0,
    last: (page[5]! & 4) !== 0,
    granule: Number(view.getBigInt64(6, true)),
    serial: view.getUint32(14, true),
    sequence: view.getUint32(18, true),
    segments: page.subarray(27, 27 + table),
    body: page.subarray(27 + table),
  };
}

/** Whether bytes begin an Ogg page. */
export function isOgg(bytes: Uint8Array): boolean {
  return bytes[0] === 0x4f && bytes[1] === 0x67 && bytes[2] === 0x67 && bytes[3] === 0x53;
}

/** One packet, with its page's granule position when it is the last to end on that page. */
export interface OggPacket {
  data: Uint8Array;
  /** Samples of the stream up to the end of this packet; absent inside a page. */
  granule?: number;
  /** Whether this packet ends the stream. */
  last: boolean;
}

/** Longest packet taken; a header with pictures may reach megabytes. */
const MAX_PACKET = 1 << 26;

/**
 * The packets of the first logical stream whose first packet `accepts`.
 * @throws AudioError on damaged pages, on missing ones, and when the stream lacks its end.
 */
export async function* oggPackets(
  reader: ByteReader,
  accepts: (first: Uint8Array) => boolean,
): AsyncGenerator<OggPacket> {
  const source: ByteSource = reader.source;
  let serial: number | undefined;
  let sequence = 0;
  let parts: Uint8Array[] = [];
  let partial = 0;
  let ended = false;
  for (let page = await readPage(reader); page; page = await readPage(reader)) {
    if (page.first && serial === undefined && accepts(page.body)) {
      serial = page.serial;
      sequence = page.sequence;
    }
    if (page.serial !== serial) {
      if (page.first && ended && accepts(page.body)) {
        throw new AudioError(`${nameOf(source)}: several Ogg streams one after another; expected one; split the file`);
      }
      continue;
    }
    if (page.sequence !== sequence) throw corrupt(source, `Ogg page ${sequence} is missing`);
    sequence++;
    if (!page.continued && parts.length > 0) throw corrupt(source, "an Ogg packet breaks off");
    // A packet ends at the first segment shorter than 255 bytes.
    const lastEnd = page.segments.findLastIndex((size) => size < 255);
    let at = 0;
    let begin = 0;
    for (let i = 0; i < page.segments.length; i++) {
      at += page.segments[i]!;
      if (page.segments[i] === 255) continue;
      parts.push(page.body.subarray(begin, at));
      const data = parts.length === 1 ? parts[0]! : join(parts);
      parts = [];
      partial = 0;
      begin = at;
      const final = i === lastEnd;
      yield { data, ...(final ? { granule: page.granule } : {}), last: final && page.last };
    }
    if (begin < at) {
      parts.push(page.body.subarray(begin, at));
      partial += at - begin;
      if (partial > MAX_PACKET) throw corrupt(source, "an Ogg packet has no end");
    }
    if (page.last) ended = true;
  }
  if (serial === undefined) {
    throw new AudioError(`${nameOf(source)}: an Ogg file without Vorbis, Opus or FLAC audio; convert it, e.g. to wav`);
  }
  if (!ended) throw truncated(source, "the Ogg stream's last page");
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
