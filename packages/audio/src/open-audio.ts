/**
 * Opening any audio file. The format is told from the first bytes, never from the name, and each format's decoder is
 * loaded only when a file needs it: a program that reads wav files pays for nothing else.
 */
import type { AudioStream } from "./audio-stream.ts";
import { type ByteSource, memorySource, nameOf, readFully } from "./byte-source.ts";
import { AudioError } from "./errors.ts";

/** The containers told apart by {@link detectContainer}. */
export type Container = "wav" | "flac" | "mp3" | "ogg" | "mp4" | "webm" | "adts";

const FORMATS = "wav, flac, mp3, ogg (Vorbis, Opus), m4a or webm";

/** What a file's first bytes say it is. `head` should hold 12 bytes or more. */
export function detectContainer(head: Uint8Array): Container | undefined {
  const text = (at: number, n: number) => String.fromCharCode(...head.subarray(at, at + n));
  const start = text(0, 4);
  if ((start === "RIFF" || start === "RF64") && text(8, 4) === "WAVE") return "wav";
  if (start === "fLaC") return "flac";
  if (start === "OggS") return "ogg";
  if (text(4, 4) === "ftyp" || text(4, 4) === "moov" || text(4, 4) === "mdat" || text(4, 4) === "wide") return "mp4";
  if (start === "\x1a\x45\xdf\xa3") return "webm";
  if (head[0] === 0xff && (head[1]! & 0xf6) === 0xf0) return "adts";
  if (head[0] === 0xff && (head[1]! & 0xe0) === 0xe0) return "mp3";
  return undefined;
}

/** Length of the ID3v2 tag at the start, 0 without one: mp3, flac and aac files may begin with it. */
function id3Length(head: Uint8Array): number {
  if (head[0] !== 0x49 || head[1] !== 0x44 || head[2] !== 0x33 || head.length < 10) return 0;
  const size = (head[6]! << 21) | (head[7]! << 14) | (head[8]! << 7) | head[9]!;
  return 10 + size + (head[5]! & 0x10 ? 10 : 0);
}

/**
 * Opens audio for reading block by block: wav (PCM of 8 to 32 bits, float, mu-law, A-law), flac, mp3, Ogg with Vorbis,
 * Opus or FLAC, m4a and aac, webm. Memory stays bounded however long the file is.
 * @param source the whole file, or random access to it ({@link ByteSource}).
 * @throws AudioError when it is empty, of an unknown format, truncated or corrupt; damage further in is thrown while
 * its blocks are read.
 */
export async function openAudio(
  source: Uint8Array | ByteSource,
  options: { name?: string } = {},
): Promise<AudioStream> {
  const given = "read" in source ? source : memorySource(source, options.name);
  const bytes: ByteSource =
    options.name === undefined || given.name === options.name
      ? given
      : { name: options.name, size: given.size, read: (offset, length) => given.read(offset, length) };
  const name = nameOf(bytes);
  if (!(bytes.size > 0)) throw new AudioError(`${name}: empty, 0 bytes; expected ${FORMATS}; give a file with audio`);
  let start = 0;
  let head = await readFully(bytes, 0, 16);
  // Some taggers put one ID3 tag before another.
  for (let i = 0; i < 4 && id3Length(head) > 0; i++) {
    start += id3Length(head);
    if (start >= bytes.size) {
      throw new AudioError(`${name}: file is truncated: nothing follows its ID3 tag; copy or encode it again`);
    }
    head = await readFully(bytes, start, 16);
  }
  switch (detectContainer(head) ?? (start > 0 ? "mp3" : undefined)) {
    case "wav":
      return (await import("./wav-reader.ts")).openWav(bytes);
    case "flac":
      return (await import("./flac-reader.ts")).openFlac(bytes, start);
    case "ogg":
      return (await import("./ogg-stream.ts")).openOgg(bytes);
    case "mp3":
      return (await import("./mp3-reader.ts")).openMp3(bytes, start);
    case "webm":
      return (await import("./webm-reader.ts")).openWebm(bytes);
    case "mp4":
      return (await import("./mp4-reader.ts")).openMp4(bytes);
    case "adts":
      return (await import("./adts-reader.ts")).openAdts(bytes, start);
    default:
      throw new AudioError(`${name}: not an audio format known here; expected ${FORMATS}; convert it, e.g. to wav`);
  }
}

/**
 * Decodes a whole file at its own rate.
 * @returns channel arrays of one length, empty arrays for a file without samples.
 * @throws AudioError as {@link openAudio}.
 */
export async function decodeAudio(
  source: Uint8Array | ByteSource,
  options: { name?: string } = {},
): Promise<{ sampleRate: number; channels: Float32Array[] }> {
  const stream = await openAudio(source, options);
  try {
    const blocks: Float32Array[][] = [];
    let length = 0;
    for await (const block of stream.blocks()) {
      blocks.push(block);
      length += block[0]?.length ?? 0;
    }
    const channels = Array.from({ length: stream.numberOfChannels }, () => new Float32Array(length));
    let at = 0;
    for (const block of blocks) {
      for (const [c, channel] of block.entries()) channels[c]!.set(channel, at);
      at += block[0]?.length ?? 0;
    }
    return { sampleRate: stream.sampleRate, channels };
  } finally {
    stream.close();
  }
}
