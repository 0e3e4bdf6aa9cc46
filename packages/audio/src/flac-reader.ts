/**
 * FLAC files (RFC 9639): the marker "fLaC", metadata blocks of which STREAMINFO comes first, then frames. Every frame
 * carries checksums and STREAMINFO the sample count, so damage and truncation are always noticed.
 */
import { type AudioStream, checkFormat } from "./audio-stream.ts";
import { type ByteSource, corrupt, nameOf, readFully, truncated } from "./byte-source.ts";
import { BadFrame, decodeFlacFrame, type FlacFrame, type FlacInfo, NeedMoreBytes } from "./flac-frame.ts";

const WINDOW = 1 << 17;
/** No frame is longer: 65,535 samples of 8 channels of 32 bits, stored raw, and headers. */
const MAX_FRAME = 1 << 22;

/** Reads the 34 bytes of a STREAMINFO block. */
export function parseStreamInfo(body: Uint8Array, name: string): FlacInfo {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const maxBlockSize = view.getUint16(2);
  const packed = view.getUint32(10);
  const info = {
    sampleRate: packed >>> 12,
    channels: ((packed >>> 9) & 7) + 1,
    bits: ((packed >>> 4) & 31) + 1,
    totalSamples: (packed & 15) * 2 ** 32 + view.getUint32(14),
    maxBlockSize,
  };
  checkFormat(name, info.sampleRate, info.channels);
  return info;
}

/** Integer samples of a frame to float32 in [-1, 1). */
export function flacSamples(frame: FlacFrame): Float32Array[] {
  const scale = 2 ** (1 - frame.bits);
  return frame.channels.map((channel) => {
    // A loop, since Float32Array.from with a function is some twenty times slower.
    const out = new Float32Array(channel.length);
    for (let i = 0; i < out.length; i++) out[i] = channel[i]! * scale;
    return out;
  });
}

/** Opens a FLAC file whose marker is at `start` (after an ID3 tag, if some program put one there). */
export async function openFlac(source: ByteSource, start = 0): Promise<AudioStream> {
  const name = nameOf(source);
  let at = start + 4;
  let info: FlacInfo | undefined;
  for (let last = false; !last; ) {
    const head = await readFully(source, at, 4);
    if (head.length < 4) throw truncated(source, "the FLAC header", at + 4);
    last = (head[0]! & 0x80) !== 0;
    const type = head[0]! & 0x7f;
    const size = (head[1]! << 16) | (head[2]! << 8) | head[3]!;
    if (at + 4 + size > source.size) throw truncated(source, "the FLAC header", at + 4 + size);
    if (type === 0) {
      if (size < 34) throw corrupt(source, `a STREAMINFO block of ${size} bytes, not 34`);
      info = parseStreamInfo(await readFully(source, at + 4, 34), name);
    } else if (type === 127) throw corrupt(source, "a metadata block of a forbidden type");
    at += 4 + size;
  }
  if (!info) throw corrupt(source, "no STREAMINFO block");
  const { sampleRate, channels, totalSamples } = info;
  return {
    sampleRate,
    numberOfChannels: channels,
    ...(totalSamples > 0 ? { duration: totalSamples / sampleRate } : {}),
    container: "flac",
    codec: "flac",
    blocks: () => decodeFrames(source, at, info),
    close() {},
  };
}

async function* decodeFrames(source: ByteSource, start: number, info: FlacInfo): AsyncGenerator<Float32Array[]> {
  let at = start;
  let window = await readFully(source, at, WINDOW);
  let windowStart = at;
  let decoded = 0;
  while (at < source.size && !(info.totalSamples > 0 && decoded >= info.totalSamples)) {
    const offset = at - windowStart;
    const length = Math.min(WINDOW, source.size - at);
    // Refill while there is room for one frame of usual size, so that few frames are tried twice.
    if (window.length - offset < Math.min(length, WINDOW / 4)) {
      window = await readFully(source, at, length);
      windowStart = at;
      continue;
    }
    const frame = tryFrame(window, offset, info);
    if (frame === "more") {
      if (windowStart + window.length >= source.size) {
        // Without a sample count, bytes after the last frame may be a tag.
        if (info.totalSamples === 0 && (await isTag(source, at))) return;
        throw truncated(source, `the FLAC frame at byte ${at}`);
      }
      const wanted = Math.min(window.length * 2, source.size - at);
      if (wanted > MAX_FRAME) throw corrupt(source, `the FLAC frame at byte ${at} has no end`);
      window = await readFully(source, at, wanted);
      windowStart = at;
      continue;
    }
    if (typeof frame === "string") {
      if (info.totalSamples === 0 && (await isTag(source, at))) return;
      throw corrupt(source, `at byte ${at}, ${frame}`);
    }
    if (frame.sampleRate !== info.sampleRate) throw corrupt(source, `at byte ${at}, the sample rate changes`);
    decoded += frame.blockSize;
    at = windowStart + frame.end;
    yield flacSamples(frame);
  }
  if (info.totalSamples > 0 && decoded < info.totalSamples) {
    throw truncated(source, `the FLAC stream of ${info.totalSamples} samples (${decoded} are there)`);
  }
}

/** The frame, "more" when the window ends inside it, or what is wrong with it. */
function tryFrame(window: Uint8Array, offset: number, info: FlacInfo): FlacFrame | string {
  try {
    return decodeFlacFrame(window, offset, info);
  } catch (error) {
    if (error instanceof NeedMoreBytes) return "more";
    if (error instanceof BadFrame) return error.message;
    throw error;
  }
}

async function isTag(source: ByteSource, at: number): Promise<boolean> {
  const start = String.fromCharCode(...(await readFully(source, at, 3)));
  return start === "TAG" || start === "ID3" || start === "APE";
}
