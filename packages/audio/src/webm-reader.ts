/**
 * WebM and Matroska audio: nested elements of id, size and body (EBML, RFC 8794; Matroska, RFC 9559). The first audio
 * track is described under Tracks; its packets lie in the blocks of the clusters.
 */
import { openAacDecoder } from "./aac-decoder.ts";
import { type AudioStream, checkFormat } from "./audio-stream.ts";
import { ByteReader, type ByteSource, corrupt, nameOf, readFully, truncated } from "./byte-source.ts";
import { AudioError, messageOf } from "./errors.ts";
import { openOpusDecoder } from "./opus-decoder.ts";
import type { PacketDecoder } from "./packet-decoder.ts";
import { openVorbisDecoder } from "./vorbis-decoder.ts";

const ID = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  duration: 0x4489,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  trackType: 0x83,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  cluster: 0x1f43b675,
  simpleBlock: 0xa3,
  blockGroup: 0xa0,
  block: 0xa1,
  discardPadding: 0x75a2,
} as const;

/** Longest element body read at once. */
const MAX_BODY = 1 << 24;
/** The size that stands for "until the next element of this level": live streams do not know theirs. */
const UNKNOWN = -1;

interface Element {
  id: number;
  /** Offset of the body. */
  start: number;
  /** Bytes of the body, or UNKNOWN. */
  size: number;
}

/** A number whose count of leading zero bits gives its length in bytes; ids keep the marker bit, sizes drop it. */
function variableInt(
  bytes: Uint8Array,
  at: number,
  keepMarker: boolean,
): { value: number; length: number } | undefined {
  const first = bytes[at];
  if (!first) return undefined;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return undefined;
  let value = keepMarker ? first : first & (0xff >> length);
  let ones = (first & (0xff >> length)) === 0xff >> length;
  for (let i = 1; i < length; i++) {
    value = value * 256 + bytes[at + i]!;
    ones &&= bytes[at + i] === 0xff;
  }
  return { value: ones && !keepMarker ? UNKNOWN : value, length };
}

async function readElement(reader: ByteReader): Promise<Element> {
  const head = await reader.peek(12);
  const at = reader.position;
  const id = variableInt(head, 0, true);
  const size = id && variableInt(head, id.length, false);
  if (!id || !size) {
    if (head.length < 12) throw truncated(reader.source, `the WebM element at byte ${at}`);
    throw corrupt(reader.source, `no WebM element at byte ${at}`);
  }
  const start = at + id.length + size.length;
  if (size.value !== UNKNOWN && start + size.value > reader.source.size) {
    throw truncated(reader.source, `the WebM element at byte ${at}`, start + size.value);
  }
  reader.position = start;
  return { id: id.value, start, size: size.value };
}

/** The children of an element held in memory. */
function* children(source: ByteSource, body: Uint8Array): Generator<{ id: number; body: Uint8Array }> {
  for (let at = 0; at < body.length; ) {
    const id = variableInt(body, at, true);
    const size = id && variableInt(body, at + id.length, false);
    if (!id || !size || size.value === UNKNOWN) throw corrupt(source, "a damaged WebM element");
    const start = at + id.length + size.length;
    if (start + size.value > body.length) throw corrupt(source, "a WebM element is longer than the one it lies in");
    yield { id: id.value, body: body.subarray(start, start + size.value) };
    at = start + size.value;
  }
}

function unsigned(body: Uint8Array): number {
  return body.reduce((value, byte) => value * 256 + byte, 0);
}

function float(body: Uint8Array): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  return body.length === 4 ? view.getFloat32(0) : body.length === 8 ? view.getFloat64(0) : 0;
}

interface Track {
  number: number;
  codec: string;
  private: Uint8Array;
}

function audioTrack(source: ByteSource, tracks: Uint8Array): Track {
  for (const entry of children(source, tracks)) {
    if (entry.id !== ID.trackEntry) continue;
    const track: Track = { number: 0, codec: "", private: new Uint8Array(0) };
    let type = 0;
    for (const { id, body } of children(source, entry.body)) {
      if (id === ID.trackNumber) track.number = unsigned(body);
      else if (id === ID.trackType) type = unsigned(body);
      else if (id === ID.codecId) track.codec = String.fromCharCode(...body.subarray(0, 64)).replace(/\0+$/, "");
      else if (id === ID.codecPrivate) track.private = body;
    }
    if (type === 2) return track;
  }
  throw new AudioError(`${nameOf(source)}: a WebM file without an audio track; expected one; give a file with sound`);
}

async function openDecoder(source: ByteSource, track: Track): Promise<{ codec: string; decoder: PacketDecoder }> {
  const name = nameOf(source);
  switch (track.codec) {
    case "A_OPUS":
      return { codec: "opus", decoder: await openOpusDecoder(track.private, name) };
    case "A_VORBIS": {
      const [identification, , setup] = xiphLaced(source, track.private);
      return { codec: "vorbis", decoder: await openVorbisDecoder(identification!, setup!, name) };
    }
    case "A_AAC":
      return { codec: "aac", decoder: await openAacDecoder(track.private, name) };
    default:
      throw new AudioError(
        `${name}: audio codec ${track.codec.replace(/[^\x20-\x7e]/g, "?")} in WebM; expected Opus, Vorbis or AAC; convert it, e.g. to wav`,
      );
  }
}

/** Three packets packed into one: a count less one, the lengths of all but the last in bytes of 255, the packets. */
function xiphLaced(source: ByteSource, bytes: Uint8Array): Uint8Array[] {
  const sizes: number[] = [];
  let at = 1;
  for (let i = 0; i < 2; i++) {
    let size = 0;
    while (bytes[at] === 255) size += bytes[at++]!;
    size += bytes[at++] ?? 0;
    sizes.push(size);
  }
  const packets = [...sizes, Math.max(0, bytes.length - at - sizes[0]! - sizes[1]!)].map((size) => {
    const packet = bytes.subarray(at, at + size);
    at += size;
    return packet;
  });
  if (bytes[0] !== 2 || at !== bytes.length) throw corrupt(source, "damaged Vorbis headers");
  return packets;
}

/** A packet, and how many nanoseconds of what it decodes to are padding. */
interface WebmPacket {
  data: Uint8Array;
  discard: number;
}

/** The packets of one block, which may hold several "laced" together. */
function blockPackets(source: ByteSource, block: Uint8Array, track: Track): Uint8Array[] {
  const number = variableInt(block, 0, false);
  if (!number || block.length < number.length + 3) throw corrupt(source, "a damaged WebM block");
  if (number.value !== track.number) return [];
  const lacing = (block[number.length + 2]! >> 1) & 3;
  let at = number.length + 3;
  if (lacing === 0) return [block.subarray(at)];
  const count = (block[at++] ?? 0) + 1;
  const sizes: number[] = [];
  for (let i = 0; i < count - 1; i++) {
    if (lacing === 1) {
      let size = 0;
      while (block[at] === 255) size += block[at++]!;
      sizes.push(size + (block[at++] ?? 0));
    } else if (lacing === 2) sizes.push((block.length - at) / count);
    else {
      const coded = variableInt(block, at, false);
      if (!coded) throw corrupt(source, "a damaged WebM block");
      at += coded.length;
      // Sizes after the first are differences, stored with half their range added.
      sizes.push(i === 0 ? coded.value : sizes[i - 1]! + coded.value - (2 ** (7 * coded.length - 1) - 1));
    }
  }
  const packets: Uint8Array[] = [];
  for (const size of sizes) {
    if (!Number.isInteger(size) || size < 0 || at + size > block.length) throw corrupt(source, "a damaged WebM block");
    packets.push(block.subarray(at, at + size));
    at += size;
  }
  return [...packets, block.subarray(at)];
}

/** Walks the elements from the reader's position on, into segments and clusters, and yields the track's packets. */
async function* packetsOf(reader: ByteReader, track: Track): AsyncGenerator<WebmPacket> {
  const source = reader.source;
  while (reader.remaining > 0) {
    const { id, start, size } = await readElement(reader);
    if (id === ID.cluster || id === ID.segment) continue;
    if (size === UNKNOWN) throw corrupt(source, "a WebM element of unknown size");
    reader.position = start + size;
    if (id !== ID.simpleBlock && id !== ID.blockGroup) continue;
    if (size > MAX_BODY) throw corrupt(source, "a WebM block is too long");
    reader.position = start;
    const body = (await reader.take(size, "a WebM block")).slice();
    if (id === ID.simpleBlock) {
      for (const data of blockPackets(source, body, track)) yield { data, discard: 0 };
      continue;
    }
    let packets: Uint8Array[] = [];
    let discard = 0;
    for (const child of children(source, body)) {
      if (child.id === ID.block) packets = blockPackets(source, child.body, track);
      else if (child.id === ID.discardPadding) discard = Math.min(unsigned(child.body), 1e9);
    }
    for (const [i, data] of packets.entries()) yield { data, discard: i === packets.length - 1 ? discard : 0 };
  }
}

/** Opens a WebM or Matroska file. @throws AudioError when it holds no audio known here, or is damaged. */
export async function openWebm(source: ByteSource): Promise<AudioStream> {
  const reader = new ByteReader(source);
  let track: Track | undefined;
  let seconds = 0;
  let clusters = source.size;
  while (reader.remaining > 0) {
    const at = reader.position;
    const { id, start, size } = await readElement(reader);
    if (id === ID.segment) continue;
    if (id === ID.cluster) {
      clusters = at;
      break;
    }
    if (size === UNKNOWN) throw corrupt(source, "a WebM element of unknown size");
    if (id === ID.info || id === ID.tracks) {
      if (size > MAX_BODY) throw corrupt(source, "a WebM header is too long");
      const body = await readFully(source, start, size);
      if (id === ID.tracks) track = audioTrack(source, body);
      else seconds = durationOf(source, body);
    }
    reader.position = start + size;
  }
  if (!track) throw truncated(source, "the WebM header");
  const { codec, decoder } = await openDecoder(source, track);
  checkFormat(nameOf(source), decoder.sampleRate, decoder.numberOfChannels);
  return {
    sampleRate: decoder.sampleRate,
    numberOfChannels: decoder.numberOfChannels,
    ...(seconds > 0 ? { duration: seconds } : {}),
    container: "webm",
    codec,
    async *blocks() {
      try {
        yield* decodePackets(source, packetsOf(new ByteReader(source, clusters), track), decoder);
      } finally {
        decoder.close();
      }
    },
    close: () => decoder.close(),
  };
}

function durationOf(source: ByteSource, info: Uint8Array): number {
  let scale = 1e6;
  let duration = 0;
  for (const { id, body } of children(source, info)) {
    if (id === ID.timestampScale) scale = unsigned(body);
    else if (id === ID.duration) duration = float(body);
  }
  return (duration * scale) / 1e9;
}

async function* decodePackets(
  source: ByteSource,
  packets: AsyncIterable<WebmPacket>,
  decoder: PacketDecoder,
): AsyncGenerator<Float32Array[]> {
  let skip = decoder.preSkip;
  for await (const { data, discard } of packets) {
    let channels: Float32Array[];
    try {
      channels = await decoder.decode(data);
    } catch (error) {
      throw error instanceof AudioError ? error : corrupt(source, messageOf(error));
    }
    const length = channels[0]?.length ?? 0;
    const from = Math.min(skip, length);
    skip -= from;
    const to = Math.max(from, length - Math.round((discard * decoder.sampleRate) / 1e9));
    if (to > from) yield channels.map((channel) => channel.subarray(from, to));
  }
  const rest = await decoder.flush();
  if ((rest[0]?.length ?? 0) > 0) yield rest;
}
