/** The tokeniser as people use it: any audio in, codes out. */
import { createRuntime, type Device, type Runtime } from "@uat/graph";
import { openModel } from "#platform";
import { type AudioInput, type AudioInputOptions, type LiveAudio, openInput, openLive } from "./audio-input.ts";
import { TokenizerError } from "./errors.ts";
import type { OpenModelOptions } from "./platform/model-options.ts";
import { type AudioCodes, type ClipCodes, stackCodes } from "./tokenizers/audio-codes.ts";
import { type TokenizerDtype, WhisperVqTokenizer } from "./tokenizers/whisper-vq-tokenizer.ts";

/** What `fromPretrained` may be told. */
export interface PretrainedOptions extends OpenModelOptions {
  /**
   * What runs the networks. `auto` (default) and `cpu`: native where onnxruntime-node works, else WASM; `wasm`; `webgpu`,
   * an error where there is no adapter.
   */
  readonly device?: Device | undefined;
  /** Threads of the native or WASM runtime; all cores by default. */
  readonly threads?: number | undefined;
  /** Told in one line when something slower than asked for is used. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

/** What `AudioTokenizer.fromPretrained` may be told. */
export interface TokenizerOptions extends PretrainedOptions {
  /** `fp32` (default), as upstream, or `q8`, int8 linear layers: faster and smaller, some codes differ. */
  readonly dtype?: TokenizerDtype | undefined;
}

/** Seconds heard after a chunk where a checkpoint does not bound what its codes hear (docs/streaming.md). */
const LOOK_AHEAD = 0.5;
/** Seconds a Whisper encoder hears at once. */
const PIECE_SECONDS = 30;

/** What `encode` and `encodeStream` may be told. */
export interface EncodeOptions extends AudioInputOptions {
  /** Told the seconds of audio done so far in the clip at `index`, and all its seconds where known. */
  readonly onProgress?:
    | ((progress: { index: number; seconds: number; duration?: number | undefined }) => void)
    | undefined;
  /** Stops the work between two pieces of 30 s. */
  readonly signal?: AbortSignal | undefined;
}

/** What `encodeLive` may be told. */
export interface LiveEncodeOptions extends EncodeOptions {
  /** Seconds of codes that come at once; 1 by default. Block-causal checkpoints round it up to whole blocks. */
  readonly chunk?: number | undefined;
  /**
   * Seconds heard after a chunk before its codes are given out; 0.5 by default. Checkpoints with causal or block-causal
   * attention wait exactly as long as their codes depend on what follows, whatever is given.
   */
  readonly lookAhead?: number | undefined;
  /**
   * Seconds before a chunk that are tokenised again with it: fewer cost less, and the codes agree less with those of
   * `encode`. All of the 30 s piece so far by default.
   */
  readonly context?: number | undefined;
}

/** Codes of the next seconds of a clip, at most 30 s. */
export interface CodesChunk {
  /** One code a frame, each in [0, codebookSize). */
  readonly codes: Int32Array;
  /** Seconds at which the first code starts. */
  readonly start: number;
  /** Seconds of audio behind the codes. */
  readonly duration: number;
  /** Frames whose two nearest codes are equally near within 1e-4 relative: rounding may decide there. */
  readonly ties: number;
  /** γ of each code, as `ClipCodes` has it; not from `encodeLive`. */
  readonly gate?: Float32Array;
}

/** The vectors of all codes. */
export interface Codebook {
  /** Row-major. */
  readonly vectors: Float32Array;
  /** [codebookSize, d] */
  readonly shape: readonly [number, number];
}

/**
 * Turns audio into codes, 25 a second for models of the UniAudio kind: a Whisper encoder (Radford et al., 2022, arXiv
 * 2212.04356) with a vector-quantised bottleneck (van den Oord et al., 2017, arXiv 1711.00937).
 *
 * @example
 * const tokenizer = await AudioTokenizer.fromPretrained("base");
 * const { clips } = await tokenizer.encode("speech.wav");
 * console.log(clips[0].codes);
 * await tokenizer.dispose();
 */
export class AudioTokenizer {
  /** Number of codes; ids are whole numbers from 0 to codebookSize - 1. */
  readonly codebookSize: number;
  /** Codes a second. */
  readonly frameRate: number;
  /** What runs the network, e.g. `native cpu`. */
  readonly runtime: string;
  /** Whether `encodeLive` gives the codes of `encode`: attention is causal, or causal from block to block. */
  readonly liveIsExact: boolean;
  readonly #system: WhisperVqTokenizer;
  readonly #runtime: Runtime;

  private constructor(system: WhisperVqTokenizer, runtime: Runtime) {
    this.#system = system;
    this.#runtime = runtime;
    this.runtime = runtime.name;
    this.codebookSize = system.codebookSize;
    this.frameRate = system.frameRate;
    this.liveIsExact = system.lookAhead !== undefined;
  }

  /**
   * Loads a tokeniser.
   * @param idOrDirectory `base` (embedded; not in browsers), a directory that holds `tokenizer/` or is one, a hub id
   * `org/name`, or, in browsers, a URL below which `tokenizer/` lies.
   * @throws CheckpointError, GraphError or TokenizerError (all with `isInputError`) for what cannot be loaded.
   */
  static async fromPretrained(idOrDirectory = "base", options: TokenizerOptions = {}): Promise<AudioTokenizer> {
    const { dtype = "fp32" } = options;
    if (dtype !== "fp32" && dtype !== "q8") throw new TokenizerError(`dtype ${dtype}: expected fp32 or q8`);
    const files = await openModel(idOrDirectory, { ...options, part: "tokenizer" });
    const directory = (await files.exists("tokenizer/config.json")) ? "tokenizer" : "";
    if (!directory && !(await files.exists("config.json"))) {
      throw new TokenizerError(
        `${files.source}: no tokenizer/config.json here; expected a directory that holds tokenizer/, decoder/ or both`,
      );
    }
    const runtime = await createRuntime(options);
    try {
      return new AudioTokenizer(await WhisperVqTokenizer.load(files, directory, runtime, dtype), runtime);
    } catch (error) {
      await runtime.dispose();
      throw error;
    }
  }

  /** The same as fromPretrained, by the name transformers.js uses. */
  static from_pretrained(idOrDirectory?: string, options?: TokenizerOptions): Promise<AudioTokenizer> {
    return AudioTokenizer.fromPretrained(idOrDirectory, options);
  }

  /**
   * Codes of one or several clips; a clip's codes never depend on the others. A clip without samples has no codes.
   * @param audio a clip or a list of clips, of any sample rate from 1 to 768 kHz; files of up to 64 channels.
   * @returns codes [batch, 1, T], padded with -1, and each clip's own.
   * @throws AudioError for audio that cannot be read (its message names the clip), CheckpointError for a path or URL that
   * cannot be opened, TokenizerError for input of another kind; the signal's reason when it aborts.
   */
  async encode(audio: AudioInput | readonly AudioInput[], options: EncodeOptions = {}): Promise<AudioCodes> {
    const inputs = Array.isArray(audio) ? (audio as readonly AudioInput[]) : [audio as AudioInput];
    const clips: ClipCodes[] = [];
    for (const [index, input] of inputs.entries()) clips.push(await this.#encodeClip(input, index, options));
    return stackCodes(clips, this.frameRate, this.codebookSize);
  }

  /**
   * Codes of one clip as they come, equal to those of `encode` when joined. Whisper hears 30 s at once, so a chunk comes
   * for every 30 s; memory stays bounded however long the audio is.
   * @param audio a clip, or blocks of mono samples with their rate as they are recorded.
   * @throws what {@link encode} does, while it is iterated.
   */
  async *encodeStream(audio: AudioInput | LiveAudio, options: EncodeOptions = {}): AsyncGenerator<CodesChunk> {
    yield* this.#chunks(audio, 0, options);
  }

  /**
   * Codes of one clip soon after they are heard, instead of every 30 s. As many come as `encode` gives.
   *
   * Checkpoints with causal or block-causal attention (`liveIsExact`): the codes of `encode`, as far as the loudest sound
   * so far is the loudest of the 30 s piece (features are clamped 80 dB below it). Others hear a whole piece at once:
   * their codes differ from those of `encode` where what is yet to come would have decided.
   * @param audio as for {@link encodeStream}.
   * @throws what {@link encode} does, while it is iterated; TokenizerError for options that are no seconds.
   */
  async *encodeLive(audio: AudioInput | LiveAudio, options: LiveEncodeOptions = {}): AsyncGenerator<CodesChunk> {
    const system = this.#system;
    const { chunk = 1, lookAhead = LOOK_AHEAD, context = PIECE_SECONDS } = options;
    for (const [name, value] of Object.entries({ chunk, lookAhead, context }))
      if (!(value >= (name === "chunk" ? 1 / this.frameRate : 0) && value <= PIECE_SECONDS))
        throw new TokenizerError(`${name} ${value}: expected seconds, at most ${PIECE_SECONDS}`);
    const block = system.lookAhead?.block ?? 1;
    const settings = {
      chunk: Math.max(1, Math.ceil((chunk * this.frameRate) / block - 1e-6)) * block,
      ahead: lookAhead,
      context,
    };
    yield* this.#run(audio, 0, options, (blocks) => system.encodeLive(blocks, settings));
  }

  async *#chunks(audio: AudioInput | LiveAudio, index: number, options: EncodeOptions): AsyncGenerator<CodesChunk> {
    yield* this.#run(audio, index, options, (blocks) => this.#system.encode(blocks));
  }

  async *#run(
    audio: AudioInput | LiveAudio,
    index: number,
    options: EncodeOptions,
    encode: (
      blocks: AsyncIterable<Float32Array>,
    ) => AsyncIterable<{ codes: Int32Array; samples: number; ties: number; gate?: Float32Array | undefined }>,
  ): AsyncGenerator<CodesChunk> {
    const rate = this.#system.sampleRate;
    const live = typeof audio === "object" && "stream" in audio && Symbol.asyncIterator in audio.stream;
    const opened = live ? openLive(audio as LiveAudio, rate) : await openInput(audio as AudioInput, rate, options);
    try {
      let heard = 0;
      for await (const { codes, samples, ties, gate } of encode(opened.blocks())) {
        options.signal?.throwIfAborted();
        const start = heard / rate;
        heard += samples;
        yield { codes, start, duration: samples / rate, ties, ...(gate && { gate }) };
        options.onProgress?.({ index, seconds: heard / rate, duration: opened.duration });
      }
    } finally {
      await opened.close();
    }
  }

  /**
   * The codes' vectors, e.g. to draw a map of them or to initialise embeddings.
   * @returns `vectors`, row-major, of `shape` [codebookSize, d].
   * @throws CheckpointError when the checkpoint can no longer be read: the vectors are read from it at each call.
   */
  codebook(): Promise<Codebook> {
    return this.#system.codebook();
  }

  /** Frees the network. The tokeniser must not be used afterwards. */
  async dispose(): Promise<void> {
    await this.#system.dispose();
    await this.#runtime.dispose();
  }

  async #encodeClip(input: AudioInput, index: number, options: EncodeOptions): Promise<ClipCodes> {
    const chunks: CodesChunk[] = [];
    for await (const chunk of this.#chunks(input, index, options)) chunks.push(chunk);
    const gates = chunks.map((c) => c.gate).filter((g) => g !== undefined);
    return {
      codes: Int32Array.from(joined(chunks.map((c) => c.codes))),
      frameRate: this.frameRate,
      codebookSize: this.codebookSize,
      duration: chunks.reduce((sum, c) => sum + c.duration, 0),
      ties: chunks.reduce((sum, c) => sum + c.ties, 0),
      ...(gates.length > 0 && { gate: Float32Array.from(joined(gates)) }),
    };
  }
}

function* joined(parts: readonly (Int32Array | Float32Array)[]): Generator<number> {
  for (const part of parts) yield* part;
}
