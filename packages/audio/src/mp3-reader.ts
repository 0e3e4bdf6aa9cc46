/**
 * MP3 files: no container, just frames one after another, with tags (ID3, APE, Lyrics3) before or behind. Frames are
 * found and checked here; libmpg123 compiled to WebAssembly (package `mpg123-decoder`, loaded on first use) decodes.
 */
import { type AudioStream, checkFormat } from "./audio-stream.ts";
import { ByteReader, type ByteSource, corrupt, nameOf, truncated } from "./byte-source.ts";
import { AudioError } from "./errors.ts";
import { type Mp3Header, type Mp3Tag, parseMp3Header, parseMp3Tag } from "./mp3-frame.ts";
import { once } from "./opus-decoder.ts";
import { quietly } from "./packet-decoder.ts";

/** Samples by which every layer III decoder lags. */
const DECODER_DELAY = 529;
/** How far into a file the first frame may lie: some programs leave padding after tags. */
const MAX_LEADING_JUNK = 1 << 16;
const FRAMES_PER_CALL = 32;

/** Opens an MP3 whose frames begin at or shortly after byte `start`. */
export async function openMp3(source: ByteSource, start = 0): Promise<AudioStream> {
  const name = nameOf(source);
  const reader = new ByteReader(source, start);
  const header = await findFirstFrame(reader);
  checkFormat(name, header.sampleRate, header.channels);
  const first = (await reader.peek(header.size)).slice();
  if (first.length < header.size) throw truncated(source, "the first MP3 frame", reader.position + header.size);
  const tag = parseMp3Tag(first, header);
  if (tag?.bytes && reader.position + tag.bytes > source.size) {
    throw truncated(source, "the MP3 stream", reader.position + tag.bytes);
  }
  if (tag) reader.position += header.size;
  const decoder = await openMpegDecoder(header.channels);
  const total = tag?.frames === undefined ? undefined : wantedSamples(tag.frames * header.samples, tag);
  return {
    sampleRate: header.sampleRate,
    numberOfChannels: header.channels,
    ...(total === undefined ? {} : { duration: total / header.sampleRate }),
    container: "mp3",
    codec: header.layer === 3 ? "mp3" : `mp${header.layer}`,
    async *blocks() {
      try {
        yield* trimmed(decodeFrames(reader, header, decoder, tag?.frames), tag);
      } finally {
        decoder.close();
      }
    },
    close: () => decoder.close(),
  };
}

/** Samples left of `decoded` after cutting the encoder's delay and padding. */
function wantedSamples(decoded: number, tag: Mp3Tag): number {
  if (tag.delay === undefined) return decoded;
  const end = Math.min(decoded, decoded - tag.padding! + DECODER_DELAY);
  return Math.max(0, end - tag.delay - DECODER_DELAY);
}

async function findFirstFrame(reader: ByteReader): Promise<Mp3Header> {
  const source = reader.source;
  const limit = Math.min(source.size, reader.position + MAX_LEADING_JUNK);
  for (; reader.position < limit; reader.position++) {
    const header = parseMp3Header(await reader.peek(4));
    if (!header) continue;
    // Two bytes of sync occur by chance; a second frame right behind, or the end of the file, does not.
    const at = reader.position;
    reader.position = at + header.size;
    const following = await reader.peek(4);
    reader.position = at;
    const second = parseMp3Header(following);
    if (second ? second.sampleRate === header.sampleRate : at + header.size >= source.size || isTag(following)) {
      return header;
    }
  }
  throw new AudioError(`${nameOf(source)}: no MPEG audio frame found; expected an mp3; check what kind of file it is`);
}

/** Starts of what may follow the last frame: ID3v1, ID3v2, APE and Lyrics3 tags. */
function isTag(bytes: Uint8Array): boolean {
  const start = String.fromCharCode(...bytes.subarray(0, 3));
  return start === "TAG" || start === "ID3" || start === "APE" || start === "LYR" || start === "3DI";
}

async function* decodeFrames(
  reader: ByteReader,
  first: Mp3Header,
  decoder: MpegDecoder,
  expected: number | undefined,
): AsyncGenerator<Float32Array[]> {
  const source = reader.source;
  let frames = 0;
  let batch: Uint8Array[] = [];
  const flush = () => {
    const channels = decoder.decode(batch);
    batch = [];
    return channels;
  };
  while (reader.remaining > 0 && !(expected !== undefined && frames >= expected)) {
    const head = await reader.peek(4);
    const header = parseMp3Header(head);
    if (!header) {
      if (isTag(head) || (await onlyZeros(reader))) break;
      if (head.length < 4) throw truncated(source, `the MP3 frame at byte ${reader.position}`);
      throw corrupt(source, `no MPEG audio frame at byte ${reader.position}`);
    }
    if (header.sampleRate !== first.sampleRate || header.layer !== first.layer) {
      throw corrupt(source, `the sample rate or layer changes at byte ${reader.position}`);
    }
    batch.push((await reader.take(header.size, `the MP3 frame at byte ${reader.position}`)).slice());
    frames++;
    if (batch.length === FRAMES_PER_CALL) yield decodeOr(source, flush);
  }
  if (expected !== undefined && frames < expected) {
    throw truncated(source, `the MP3 stream of ${expected} frames (${frames} are there)`);
  }
  if (batch.length > 0) yield decodeOr(source, flush);
}

async function onlyZeros(reader: ByteReader): Promise<boolean> {
  const rest = await reader.peek(Math.min(reader.remaining, 1 << 16));
  return rest.every((byte) => byte === 0);
}

function decodeOr(source: ByteSource, work: () => Float32Array[]): Float32Array[] {
  try {
    return work();
  } catch (error) {
    throw corrupt(source, `an MP3 frame cannot be decoded (${(error as Error).message})`);
  }
}

/** Cuts the encoder's delay and padding, holding back as many samples as the padding may take. */
async function* trimmed(
  blocks: AsyncIterable<Float32Array[]>,
  tag: Mp3Tag | undefined,
): AsyncGenerator<Float32Array[]> {
  if (tag?.delay === undefined) return yield* blocks;
  let skip = tag.delay + DECODER_DELAY;
  const cut = Math.max(0, tag.padding! - DECODER_DELAY);
  let held: Float32Array[] | undefined;
  for await (const block of blocks) {
    const skipped = Math.min(skip, block[0]?.length ?? 0);
    skip -= skipped;
    const joined = block.map((channel, c) => {
      const previous = held?.[c] ?? new Float32Array(0);
      const out = new Float32Array(previous.length + channel.length - skipped);
      out.set(previous);
      out.set(channel.subarray(skipped), previous.length);
      return out;
    });
    const ready = Math.max(0, joined[0]!.length - cut);
    held = joined.map((channel) => channel.subarray(ready));
    if (ready > 0) yield joined.map((channel) => channel.subarray(0, ready));
  }
}

interface MpegDecoder {
  decode(frames: readonly Uint8Array[]): Float32Array[];
  close(): void;
}

async function openMpegDecoder(channels: number): Promise<MpegDecoder> {
  const { MPEGDecoder } = await import("mpg123-decoder");
  // Trimming is done here, from the tag, so that it does not depend on how frames arrive.
  const decoder = new MPEGDecoder({ enableGapless: false });
  await decoder.ready;
  return {
    decode(frames) {
      const { channelData, errors } = quietly(() => decoder.decodeFrames([...frames]));
      if (errors.length > 0) throw new Error(errors[0]!.message);
      return channelData.slice(0, channels);
    },
    close: once(() => decoder.free()),
  };
}
