/** What every format reader gives back: facts about the file, and its samples block by block. */
import { AudioError } from "./errors.ts";

/** A decoded file whose samples are produced while they are read; memory stays bounded by one block. */
export interface AudioStream {
  /** Samples per second of one channel. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  /** Length in seconds as the file's headers tell it; absent where only decoding the whole file would tell. */
  readonly duration?: number;
  /** `wav`, `flac`, `mp3`, `ogg`, `mp4`, `webm`, `adts`. */
  readonly container: string;
  /** What the samples are coded in, e.g. `pcm-s16`, `mulaw`, `flac`, `mp3`, `vorbis`, `opus`, `aac`. */
  readonly codec: string;
  /**
   * Blocks of samples in [-1, 1], one array a channel, all of one length; blocks may differ in length.
   * One pass only. @throws AudioError when the file is truncated or corrupt.
   */
  blocks(): AsyncIterable<Float32Array[]>;
  /** Frees the decoder. Safe to call more than once; leaving the iteration early also frees it. */
  close(): void;
}

/** Sample rates this package works with, in Hz; anything outside is taken for a damaged header. */
export const MIN_SAMPLE_RATE = 1000;
export const MAX_SAMPLE_RATE = 768000;
/** Most channels a file may have. */
export const MAX_CHANNELS = 64;

/** Refuses sample rates and channel counts no recording has. */
export function checkFormat(name: string, sampleRate: number, numberOfChannels: number): void {
  checkSampleRate(sampleRate, name);
  if (!Number.isInteger(numberOfChannels) || numberOfChannels < 1 || numberOfChannels > MAX_CHANNELS) {
    throw new AudioError(
      `${name}: ${numberOfChannels} channels; expected 1 to ${MAX_CHANNELS}; the header is damaged, or split the file`,
    );
  }
}

/** Refuses sample rates that are not whole numbers of Hz within [1000, 768000]. */
export function checkSampleRate(sampleRate: number, name = "sample rate"): void {
  if (!Number.isInteger(sampleRate) || sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    throw new AudioError(
      `${name}: a sample rate of ${sampleRate} Hz; expected a whole number from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}; give the rate the audio was recorded at`,
    );
  }
}
