/** Writing wav files: 16-bit integers or 32-bit floats, at once or block by block. */
import { checkFormat } from "./audio-stream.ts";
import type { AudioSink, AudioWriter } from "./audio-writer.ts";
import { AudioError } from "./errors.ts";
import { int16Of } from "./sample-format.ts";

/** `s16`: 16-bit PCM, samples clipped at ±1. `f32`: 32-bit IEEE float, clipped too. */
export type WavEncoding = "s16" | "f32";

const WIDTH = { s16: 2, f32: 4 } as const;
const MAX_DATA = 0xffffffff;

/** Bytes before the samples: the float header has the `fact` chunk that non-PCM files must have. */
function headerLength(encoding: WavEncoding): number {
  return encoding === "s16" ? 44 : 58;
}

/** A wav header for `dataBytes` bytes of samples; `undefined` writes 0xFFFFFFFF, "until the end of the stream". */
export function wavHeader(
  sampleRate: number,
  channels: number,
  encoding: WavEncoding,
  dataBytes: number | undefined,
): Uint8Array {
  checkFormat("wav output", sampleRate, channels);
  const length = headerLength(encoding);
  if (dataBytes !== undefined && dataBytes + length - 8 > MAX_DATA) {
    throw new AudioError(`wav output of ${dataBytes} bytes: expected less than 4 GiB; write it in parts or as s16`);
  }
  const out = new Uint8Array(length);
  const view = new DataView(out.buffer);
  const width = WIDTH[encoding];
  const text = (at: number, s: string) => {
    for (let i = 0; i < s.length; i++) out[at + i] = s.charCodeAt(i);
  };
  const float = encoding === "f32";
  text(0, "RIFF");
  view.setUint32(4, dataBytes === undefined ? MAX_DATA : dataBytes + length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, float ? 18 : 16, true);
  view.setUint16(20, float ? 3 : 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * channels * width, true);
  view.setUint16(32, channels * width, true);
  view.setUint16(34, width * 8, true);
  if (float) {
    text(38, "fact");
    view.setUint32(42, 4, true);
    view.setUint32(46, dataBytes === undefined ? MAX_DATA : dataBytes / (channels * width), true);
  }
  text(length - 8, "data");
  view.setUint32(length - 4, dataBytes ?? MAX_DATA, true);
  return out;
}

/** Channel arrays of one length to interleaved little-endian samples, clipped at ±1. */
export function interleave(channels: readonly Float32Array[], encoding: WavEncoding): Uint8Array {
  const frames = channels[0]?.length ?? 0;
  if (channels.some((channel) => channel.length !== frames)) {
    throw new AudioError(`channels of ${channels.map((c) => c.length).join(", ")} samples; expected one length`);
  }
  const out = new Uint8Array(frames * channels.length * WIDTH[encoding]);
  const view = new DataView(out.buffer);
  let at = 0;
  for (let i = 0; i < frames; i++) {
    for (const channel of channels) {
      if (encoding === "s16") {
        view.setInt16(at, int16Of(channel[i]!), true);
        at += 2;
      } else {
        view.setFloat32(at, Math.max(-1, Math.min(1, channel[i]!)), true);
        at += 4;
      }
    }
  }
  return out;
}

/** A whole wav file from channel arrays of one length, samples clipped at ±1. */
export function encodeWav(
  channels: readonly Float32Array[],
  sampleRate: number,
  encoding: WavEncoding = "s16",
): Uint8Array {
  const body = interleave(channels, encoding);
  const header = wavHeader(sampleRate, channels.length, encoding, body.length);
  const out = new Uint8Array(header.length + body.length);
  out.set(header);
  out.set(body, header.length);
  return out;
}

/**
 * Writes a wav file block by block. Where the sink cannot go back, the header keeps 0xFFFFFFFF as size, which readers
 * take as "until the end of the stream".
 */
export class WavWriter implements AudioWriter {
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  readonly encoding: WavEncoding;
  readonly #sink: AudioSink;
  #started = false;
  #bytes = 0;

  constructor(sink: AudioSink, sampleRate: number, numberOfChannels: number, encoding: WavEncoding = "s16") {
    checkFormat("wav output", sampleRate, numberOfChannels);
    this.#sink = sink;
    this.sampleRate = sampleRate;
    this.numberOfChannels = numberOfChannels;
    this.encoding = encoding;
  }

  /** Appends a block of channel arrays of one length. */
  async write(channels: readonly Float32Array[]): Promise<void> {
    if (channels.length !== this.numberOfChannels) {
      throw new AudioError(`a block of ${channels.length} channels; expected ${this.numberOfChannels}`);
    }
    await this.#start();
    const body = interleave(channels, this.encoding);
    if (this.#bytes + body.length + 64 > MAX_DATA && this.#sink.patchHeader) {
      throw new AudioError("wav output reaches 4 GiB, the most a wav file holds; write it in parts or as s16");
    }
    this.#bytes += body.length;
    await this.#sink.write(body);
  }

  /** Writes the final sizes into the header, where the sink allows it. Writing nothing gives a valid empty file. */
  async close(): Promise<void> {
    await this.#start();
    await this.#sink.patchHeader?.(wavHeader(this.sampleRate, this.numberOfChannels, this.encoding, this.#bytes));
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.#sink.write(wavHeader(this.sampleRate, this.numberOfChannels, this.encoding, undefined));
  }
}
