/** Writing flac files of 16-bit samples, at once or block by block; nothing but rounding to 16 bits is lost. */
import { checkFormat } from "./audio-stream.ts";
import type { AudioSink, AudioWriter } from "./audio-writer.ts";
import { AudioError } from "./errors.ts";
import { encodeFlacFrame, FLAC_BITS, FLAC_BLOCK } from "./flac-encoder.ts";
import { int16Of } from "./sample-format.ts";

/**
 * "fLaC" and the STREAMINFO block (RFC 9639, 8.2).
 * @param total samples of one channel; 0 is "unknown".
 * @param frames bytes of the shortest and the longest frame; 0 is "unknown".
 */
function flacHeader(
  sampleRate: number,
  channels: number,
  total: number,
  frames: readonly [number, number],
): Uint8Array {
  const out = new Uint8Array(42);
  const view = new DataView(out.buffer);
  view.setUint32(0, 0x664c6143);
  // the only metadata block, of type 0, 34 bytes long
  view.setUint32(4, 0x80000022);
  view.setUint16(8, FLAC_BLOCK);
  view.setUint16(10, FLAC_BLOCK);
  for (const [i, bytes] of frames.entries()) {
    view.setUint8(12 + 3 * i, bytes >> 16);
    view.setUint16(13 + 3 * i, bytes & 0xffff);
  }
  view.setUint32(18, (sampleRate << 12) | ((channels - 1) << 9) | ((FLAC_BITS - 1) << 4) | Math.floor(total / 2 ** 32));
  view.setUint32(22, total % 2 ** 32);
  // the MD5 sum stays 0, "not computed": every frame has a checksum
  return out;
}

const MAX_SAMPLE_RATE = 2 ** 20 - 1;
const MAX_SAMPLES = 2 ** 36 - 1;

/**
 * Writes a flac file block by block. Where the sink cannot go back, the header tells no length, and readers go on until
 * the stream ends.
 */
export class FlacWriter implements AudioWriter {
  readonly #sink: AudioSink;
  readonly #sampleRate: number;
  /** Samples that do not fill a block yet, a channel each. */
  readonly #pending: Int16Array[];
  #held = 0;
  #frames = 0;
  #total = 0;
  #sizes: [number, number] = [0, 0];
  #started = false;

  /** @throws AudioError for more than 8 channels and rates past 1,048,575 Hz, which the format does not have. */
  constructor(sink: AudioSink, sampleRate: number, numberOfChannels: number) {
    checkFormat("flac output", sampleRate, numberOfChannels);
    if (numberOfChannels > 8 || sampleRate > MAX_SAMPLE_RATE || !Number.isInteger(sampleRate))
      throw new AudioError(
        `flac output of ${numberOfChannels} channels at ${sampleRate} Hz: expected at most 8, and whole Hz; write wav`,
      );
    this.#sink = sink;
    this.#sampleRate = sampleRate;
    this.#pending = Array.from({ length: numberOfChannels }, () => new Int16Array(FLAC_BLOCK));
  }

  async write(channels: readonly Float32Array[]): Promise<void> {
    const length = channels[0]?.length ?? 0;
    if (channels.length !== this.#pending.length || channels.some((c) => c.length !== length))
      throw new AudioError(`a block of ${channels.length} channels; expected ${this.#pending.length} of one length`);
    await this.#start();
    for (let at = 0; at < length; ) {
      const count = Math.min(length - at, FLAC_BLOCK - this.#held);
      for (const [c, channel] of channels.entries()) {
        const pending = this.#pending[c]!;
        for (let i = 0; i < count; i++) pending[this.#held + i] = int16Of(channel[at + i]!);
      }
      at += count;
      this.#held += count;
      if (this.#held === FLAC_BLOCK) await this.#flush();
    }
  }

  async close(): Promise<void> {
    await this.#start();
    if (this.#held > 0) await this.#flush();
    await this.#sink.patchHeader?.(flacHeader(this.#sampleRate, this.#pending.length, this.#total, this.#sizes));
  }

  async #start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    await this.#sink.write(flacHeader(this.#sampleRate, this.#pending.length, 0, [0, 0]));
  }

  async #flush(): Promise<void> {
    const block = this.#pending.map((samples) => samples.subarray(0, this.#held));
    const frame = encodeFlacFrame(block, this.#sampleRate, this.#frames++);
    const [shortest, longest] = this.#sizes;
    this.#sizes = [shortest === 0 ? frame.length : Math.min(shortest, frame.length), Math.max(longest, frame.length)];
    this.#total += this.#held;
    this.#held = 0;
    if (this.#total > MAX_SAMPLES) throw new AudioError("flac output passes 2^36 samples; write it in parts");
    await this.#sink.write(frame);
  }
}
