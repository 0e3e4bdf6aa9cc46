/**
 * RIFF/WAVE, read chunk by chunk (Microsoft & IBM, Multimedia Programming Interface 1991; RF64 as in EBU Tech 3306).
 * Chunks are an id, a 32-bit size and a body padded to even length; unknown ones are skipped. Programs that write to a
 * pipe cannot know the sizes and leave them 0 or at a maximum: the samples then run to the end of the file.
 */
import { type AudioStream, checkFormat } from "./audio-stream.ts";
import { type ByteSource, nameOf, readFully, truncated } from "./byte-source.ts";
import { AudioError } from "./errors.ts";
import { bytesPerSample, deinterleave, type SampleFormat } from "./sample-format.ts";

const BLOCK_FRAMES = 1 << 16;
/** Sizes that stand for "not known when the header was written". */
const UNKNOWN_SIZES = new Set([0xffffffff, 0x7fffffff, 0x7ffff000, 0xffffffff - 36, 0x7fffffff - 36]);

interface Format {
  format: SampleFormat;
  channels: number;
  sampleRate: number;
}

function id(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function parseFormat(body: Uint8Array, name: string): Format {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let tag = view.getUint16(0, true);
  const channels = view.getUint16(2, true);
  const sampleRate = view.getUint32(4, true);
  const bits = view.getUint16(14, true);
  // WAVE_FORMAT_EXTENSIBLE: the real tag is the start of the sub-format GUID.
  if (tag === 0xfffe && body.length >= 26) tag = view.getUint16(24, true);
  const format = sampleFormat(tag, bits);
  if (!format) {
    throw new AudioError(
      `${name}: wav format tag ${tag} with ${bits} bits; expected PCM of 8, 16, 24 or 32 bits, float of 32 or 64, mu-law or A-law; convert the file to one of these`,
    );
  }
  checkFormat(name, sampleRate, channels);
  const align = view.getUint16(12, true);
  if (align !== channels * bytesPerSample(format)) {
    throw new AudioError(
      `${name}: file is corrupt: wav block alignment ${align} with ${channels} channels of ${bits} bits; expected ${channels * bytesPerSample(format)}; write the file again`,
    );
  }
  return { format, channels, sampleRate };
}

function sampleFormat(tag: number, bits: number): SampleFormat | undefined {
  if (tag === 1) {
    return ({ 8: "pcm-u8", 16: "pcm-s16", 24: "pcm-s24", 32: "pcm-s32" } as Record<number, SampleFormat>)[bits];
  }
  if (tag === 3) return bits === 32 ? "pcm-f32" : bits === 64 ? "pcm-f64" : undefined;
  if (bits !== 8) return undefined;
  return tag === 7 ? "mulaw" : tag === 6 ? "alaw" : undefined;
}

/** Opens a wav or RF64 file. @throws AudioError on anything it cannot read whole. */
export async function openWav(source: ByteSource): Promise<AudioStream> {
  const name = nameOf(source);
  const riff = await readFully(source, 0, 12);
  if (riff.length < 12) throw truncated(source, "the RIFF header", 12);
  if (id(riff, 8) !== "WAVE")
    throw new AudioError(`${name}: a RIFF file of kind "${id(riff, 8)}"; expected WAVE audio`);
  const riffSize = new DataView(riff.buffer, riff.byteOffset).getUint32(4, true);
  let format: Format | undefined;
  let data: { offset: number; size: number } | undefined;
  let dataSize64: number | undefined;
  let at = 12;
  while (!data) {
    const head = await readFully(source, at, 8);
    if (head.length < 8) {
      const missing = format ? "the data chunk" : "the fmt chunk";
      throw truncated(source, missing, at + 8);
    }
    const kind = id(head, 0);
    const size = new DataView(head.buffer, head.byteOffset).getUint32(4, true);
    if (kind === "data") {
      if (!format)
        throw new AudioError(`${name}: file is corrupt: wav data before its fmt chunk; write the file again`);
      data = { offset: at + 8, size: dataLength(source, at + 8, size, riffSize, dataSize64) };
      break;
    }
    if (at + 8 + size > source.size) throw truncated(source, `the wav chunk "${printable(kind)}"`, at + 8 + size);
    if (kind === "fmt ") {
      const body = await readFully(source, at + 8, Math.min(size, 40));
      if (body.length < 16) {
        throw new AudioError(`${name}: file is corrupt: a wav fmt chunk of ${size} bytes; expected at least 16`);
      }
      format = parseFormat(body, name);
    } else if (kind === "ds64" && size >= 28) {
      const body = await readFully(source, at + 8, 24);
      const view = new DataView(body.buffer, body.byteOffset);
      dataSize64 = Number(view.getBigUint64(8, true));
    }
    at += 8 + size + (size % 2);
  }
  return wavStream(source, format!, data);
}

/** Bytes of samples, or an error when the file ends before the size its header gives. */
function dataLength(source: ByteSource, offset: number, size: number, riffSize: number, size64?: number): number {
  const available = Math.max(0, source.size - offset);
  // A size of 0 means "not known" only if the RIFF size, too, does not describe this file.
  const unknown = UNKNOWN_SIZES.has(size) || (size === 0 && riffSize + 8 < source.size);
  const length = size64 !== undefined && size === 0xffffffff ? size64 : unknown ? available : size;
  if (length > available) throw truncated(source, "the wav data chunk", offset + length);
  return length;
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

function wavStream(source: ByteSource, format: Format, data: { offset: number; size: number }): AudioStream {
  const frameBytes = format.channels * bytesPerSample(format.format);
  const frames = Math.floor(data.size / frameBytes);
  return {
    sampleRate: format.sampleRate,
    numberOfChannels: format.channels,
    duration: frames / format.sampleRate,
    container: "wav",
    codec: format.format,
    async *blocks() {
      for (let frame = 0; frame < frames; frame += BLOCK_FRAMES) {
        const count = Math.min(BLOCK_FRAMES, frames - frame);
        const bytes = await readFully(source, data.offset + frame * frameBytes, count * frameBytes);
        if (bytes.length < count * frameBytes) {
          throw truncated(source, "the wav data chunk", data.offset + data.size);
        }
        yield deinterleave(bytes, format.format, format.channels);
      }
    },
    close() {},
  };
}
