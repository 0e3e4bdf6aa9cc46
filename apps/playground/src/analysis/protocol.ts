/** Messages between the page and the worker that reads files and draws spectrograms. */

/** A clip's first channel, as the tokeniser hears it. */
export interface Sound {
  readonly samples: Float32Array;
  readonly sampleRate: number;
}

export interface ReadSound extends Sound {
  /** Channels of the file. */
  readonly channels: number;
  /** Seconds that were left out because the clip is longer than the page takes. */
  readonly leftOut: number;
}

/** Lowest and highest sample of each of `PEAK_RATE` stretches a second, in steps of 1/127. */
export interface Peaks {
  readonly low: Int8Array;
  readonly high: Int8Array;
}

/** A log-mel spectrogram as pictures side by side, high frequencies at the top. */
export interface Picture {
  readonly tiles: readonly ImageBitmap[];
  /** Columns of all tiles, and how many of them are a second. */
  readonly columns: number;
  readonly columnRate: number;
  readonly peaks: Peaks;
  readonly duration: number;
}

/** Colours from quiet to loud: 256 · RGBA. */
export type Palette = Uint8ClampedArray<ArrayBuffer>;

export const PEAK_RATE = 400;
/** Columns of one tile. */
export const TILE = 2048;

export interface AnalysisCalls {
  read(bytes: Uint8Array | Blob, name: string): ReadSound;
  draw(sound: Sound, palette: Palette): Picture;
}

export interface AnalysisCall {
  readonly id: number;
  readonly name: keyof AnalysisCalls;
  readonly args: readonly unknown[];
}

export type AnalysisReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };
