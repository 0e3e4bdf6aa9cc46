/** The decoder as people use it: codes in, waveform out. */
import { createRuntime, type Runtime } from "@uat/graph";
import { openModel } from "#platform";
import type { PretrainedOptions } from "./audio-tokenizer.ts";
import type { DecodeOptions, DecoderSystem, DecodeStreamOptions } from "./decoders/decoder-system.ts";
import { loadDecoder } from "./decoders/load-decoder.ts";
import { TokenizerError } from "./errors.ts";

/**
 * Turns codes back into a mono waveform.
 *
 * Checkpoints of UniAudio-Token and of the GLM-4-Voice family: conditional flow matching (Lipman et al., 2022,
 * arXiv 2210.02747) from codes to mel, HiFT (Li et al., 2023, arXiv 2309.09493) from mel to waveform. `base`: mel and
 * pitch in one pass by feed-forward transformer blocks (Ren et al., 2020, arXiv 2006.04558), then HiFT.
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
  /** Number of codes; ids are whole numbers from 0 to codebookSize - 1. */
  readonly codebookSize: number;
  /** What makes the waveform: `flow matching + HiFT` or `acoustic model + HiFT`. */
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
   * Loads a decoder.
   * @param idOrDirectory `base` (embedded; not in browsers), a directory that holds `decoder/` or is one, a hub id
   * `org/name`, or, in browsers, a URL below which `decoder/` lies.
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
   * @param codes [T] whole numbers below the codebook's size; negative ones count as 0, as upstream.
   * @returns mono samples in [-1, 1] at `sampleRate` Hz, T / frameRate seconds up to rounding to whole mel frames of 256
   * samples.
   * @throws TokenizerError for an empty list, fractional ids, ids past the codebook, and embeddings, prompts, seeds or
   * windows that do not fit the model; the signal's reason when it aborts.
   */
  async decode(
    codes: ArrayLike<number>,
    options: DecodeOptions = {},
  ): Promise<{ waveform: Float32Array; sampleRate: number }> {
    return { waveform: finite(await this.#system.decode(codes, options)), sampleRate: this.sampleRate };
  }

  /**
   * The waveform in pieces, each as soon as its codes are there: mono samples in [-1, 1] at `sampleRate` Hz.
   * @param codes all codes [T], or lists of codes of any lengths as they come.
   * @throws TokenizerError while it is iterated, as {@link decode}, and for a block size or window no longer than the
   * overlap of 5 codes (flow decoders).
   */
  async *decodeStream(
    codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions = {},
  ): AsyncGenerator<Float32Array> {
    for await (const piece of this.#system.decodeStream(codes, options)) yield finite(piece);
  }

  /** Frees the network. The decoder must not be used afterwards. */
  async dispose(): Promise<void> {
    await this.#system.dispose();
    await this.#runtime.dispose();
  }
}

/** Damaged weights give NaN, which a wav file would hide. */
function finite(samples: Float32Array): Float32Array {
  if (samples.every(Number.isFinite)) return samples;
  throw new TokenizerError("the decoder gave samples that are not finite: its weights or configuration are damaged");
}
