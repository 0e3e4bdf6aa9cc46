/** What every decoder offers. */

/** A clip whose voice and manner the output continues. */
export interface Prompt {
  /** Codes of the clip, [T]. */
  readonly tokens: ArrayLike<number>;
  /** Log-mel of the clip, [80, frames], row-major, natural log (22.05 kHz, n_fft 1,024, hop 256). */
  readonly mel: {
    /** 80 · frames values, bin after bin. */
    readonly data: Float32Array;
    /** Frames of 256 samples at 22.05 kHz. */
    readonly frames: number;
  };
}

/** What `decode` may be told. */
export interface DecodeOptions {
  /** Seed of every random draw, a whole number; 42 by default, as upstream. Drawn as PyTorch's CPU generator does. */
  readonly seed?: number | undefined;
  /** x-vector of the speaker, 192 values; none by default. */
  readonly embedding?: Float32Array | undefined;
  /** A clip to continue; not with `window`, and without effect on an acoustic model. */
  readonly prompt?: Prompt | undefined;
  /**
   * Codes of context that stay in view while a long list is decoded block by block, in bounded memory. By default all
   * codes are decoded in one piece, as upstream.
   */
  readonly window?: number | undefined;
  /** Told the share done, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined;
  /** Stops the work at the next step or block. */
  readonly signal?: AbortSignal | undefined;
}

/** What `decodeStream` may be told. */
export interface DecodeStreamOptions extends Omit<DecodeOptions, "prompt"> {
  /** Codes a chunk; the model's own block size by default, else one second. */
  readonly blockSize?: number | undefined;
}

export interface DecoderSystem {
  readonly kind: string;
  readonly sampleRate: number;
  readonly frameRate: number;
  readonly codebookSize: number;
  decode(codes: ArrayLike<number>, options: DecodeOptions): Promise<Float32Array>;
  decodeStream(
    codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions,
  ): AsyncGenerator<Float32Array>;
  dispose(): Promise<void>;
}
