/** A mel spectrogram reduced to as many columns as a picture needs, while the samples come; memory stays bounded. */
import { DECODER_HOP_LENGTH, DECODER_MELS, DECODER_SAMPLE_RATE, decoderMel } from "../decoder-mel.ts";

/** Samples transformed at once, a multiple of the hop. */
const BLOCK = 1024 * DECODER_HOP_LENGTH;

export class MelColumns {
  readonly bands = DECODER_MELS;
  readonly columns: number;
  readonly #framesPerColumn: number;
  readonly #sums: Float64Array;
  readonly #counts: Uint32Array;
  #pending = new Float32Array(BLOCK);
  #length = 0;
  #frames = 0;

  /** @param seconds of the time axis. @param width most columns wanted; short clips have fewer, one a frame. */
  constructor(seconds: number, width: number) {
    const frames = Math.max(1, Math.ceil((seconds * DECODER_SAMPLE_RATE) / DECODER_HOP_LENGTH));
    this.columns = Math.min(width, frames);
    this.#framesPerColumn = frames / this.columns;
    this.#sums = new Float64Array(this.columns * this.bands);
    this.#counts = new Uint32Array(this.columns);
  }

  /** Adds 22.05 kHz samples. */
  push(samples: Float32Array): void {
    for (let at = 0; at < samples.length; ) {
      const taken = Math.min(BLOCK - this.#length, samples.length - at);
      this.#pending.set(samples.subarray(at, at + taken), this.#length);
      this.#length += taken;
      at += taken;
      if (this.#length === BLOCK) this.#transform();
    }
  }

  finish(): void {
    // shorter rests cannot be reflected at their ends
    if (this.#length >= 1024) this.#transform();
    this.#length = 0;
  }

  /** Mean log-mel of a column's band; undefined where no audio is. */
  value(column: number, band: number): number | undefined {
    const count = this.#counts[column];
    return count ? this.#sums[column * this.bands + band]! / count : undefined;
  }

  /** The loudest value. */
  max(): number {
    let max = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < this.columns; c++)
      for (let b = 0; b < this.bands; b++) max = Math.max(max, this.value(c, b) ?? max);
    return max;
  }

  #transform(): void {
    const { data, frames } = decoderMel(this.#pending.subarray(0, this.#length));
    for (let f = 0; f < frames; f++) {
      const column = Math.min(this.columns - 1, Math.floor((this.#frames + f) / this.#framesPerColumn));
      this.#counts[column]!++;
      for (let b = 0; b < this.bands; b++) this.#sums[column * this.bands + b]! += data[b * frames + f]!;
    }
    this.#frames += frames;
    this.#length = 0;
  }
}
