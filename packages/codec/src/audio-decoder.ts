/** The decoder as people use it: codes in, waveform out. */
import { createRuntime, type Runtime } from "@uat/graph";
import { openModel } from "#platform";
import type { PretrainedOptions } from "./audio-tokenizer.ts";
import {
  type DecodeOptions,
  type DecoderSystem,
  type DecodeStreamOptions,
  loadDecoder,
} from "./decoders/decoder-system.ts";

/**
 * Turns codes back into a waveform.
 *
 * @example
 * const decoder = await AudioDecoder.fromPretrained("base");
 * const { waveform, sampleRate } = await decoder.decode(codes);
 */
export class AudioDecoder {
  /** Hz of the waveform. */
  readonly sampleRate: number;
  /** Codes a second. */
  readonly frameRate: number;
  readonly codebookSize: number;
  /** What makes the waveform, e.g. `flow matching + HiFT` or `ridge regression + Griffin-Lim`. */
  readonly kind: string;
  /** What runs the network, e.g. `native cpu`. */
  readonly runtime: string;
  readonly #system: DecoderSystem;
  readonly #runtime: Runtime;

  private constructor(system: DecoderSystem, runtime: Runtime) {
    this.#system = system;
    this.#runtime = runtime;
    this.runtime = runtime.name;
    this.sampleRate = system.sampleRate;
    this.frameRate = system.frameRate;
    this.codebookSize = system.codebookSize;
    this.kind = system.kind;
  }

  /**
   * Loads a decoder: `base` (embedded), a directory, a hub id or, in browsers, a URL.
   * @throws CheckpointError, GraphError or TokenizerError (all with `isInputError`) for what cannot be loaded.
   */
  static async fromPretrained(idOrDirectory = "base", options: PretrainedOptions = {}): Promise<AudioDecoder> {
    const files = await openModel(idOrDirectory, { ...options, part: "decoder" });
    const runtime = await createRuntime(options);
    try {
      return new AudioDecoder(await loadDecoder(files, runtime), runtime);
    } catch (error) {
      await runtime.dispose();
      throw error;
    }
  }

  /** The same as fromPretrained, by the name transformers.js uses. */
  static from_pretrained(idOrDirectory?: string, options?: PretrainedOptions): Promise<AudioDecoder> {
    return AudioDecoder.fromPretrained(idOrDirectory, options);
  }

  /**
   * The waveform of all codes.
   * @param codes whole numbers below the codebook's size; negative ones count as 0, as upstream.
   * @returns samples in [-1, 1].
   * @throws TokenizerError for an empty list, fractional ids or ids past the codebook.
   */
  async decode(
    codes: ArrayLike<number>,
    options: DecodeOptions = {},
  ): Promise<{ waveform: Float32Array; sampleRate: number }> {
    return { waveform: await this.#system.decode(codes, options), sampleRate: this.sampleRate };
  }

  /**
   * The waveform in pieces, each as soon as its codes are there.
   * @param codes all codes, or codes as they come.
   */
  decodeStream(
    codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions = {},
  ): AsyncGenerator<Float32Array> {
    return this.#system.decodeStream(codes, options);
  }

  /** Frees the network. The decoder must not be used afterwards. */
  async dispose(): Promise<void> {
    await this.#system.dispose();
    await this.#runtime.dispose();
  }
}
