/** The describer as people use it: audio or codes in, what is heard in words out. */
import { createRuntime, type Runtime } from "@uat/graph";
import { openModel } from "#platform";
import type { AudioInput, AudioInputOptions } from "./audio-input.ts";
import { AudioTokenizer, type PretrainedOptions } from "./audio-tokenizer.ts";
import { readWhisperVqConfig } from "./checkpoint/config/whisper-vq.ts";
import { dequantized } from "./checkpoint/int8-weights.ts";
import type { ModelFiles } from "./checkpoint/model-files.ts";
import { parametersOf } from "./checkpoint/parameters.ts";
import { openSafetensorsModel } from "./checkpoint/safetensors.ts";
import { readFloat32, type TensorStore } from "./checkpoint/tensor-store.ts";
import { stripPrefix } from "./checkpoint/views.ts";
import { checkCodes } from "./decoders/check-codes.ts";
import type { Answerer } from "./describe/answerer.ts";
import { codebookHash } from "./describe/codebook-hash.ts";
import { DESCRIBE_TASKS, type DescribeTask } from "./describe/describe-tasks.ts";
import { type DescriberFiles, openDescriber } from "./describe/describer-files.ts";
import { joinAnswers, mostFrequent } from "./describe/join-answers.ts";
import { ReadAnswers } from "./describe/read-answers.ts";
import { formatSap, type SapAnswer } from "./describe/sap-answer.ts";
import { WrittenAnswers } from "./describe/written-answers.ts";
import { TokenizerError } from "./errors.ts";
import type { WhisperVqConfig } from "./models/whisper-vq.ts";

/** What `AudioDescriber.fromPretrained` may be told. */
export interface DescriberOptions extends PretrainedOptions {
  /**
   * The model whose tokens are described, as for `AudioTokenizer.fromPretrained`. By default that of the describer's own
   * folder where it is a whole checkpoint, else `base`.
   */
  readonly codec?: string | undefined;
  /** `fp32` (default): weights that are stored in int8 are widened. `q8`: linear layers run in int8. */
  readonly dtype?: "fp32" | "q8" | undefined;
}

/** What `describe` may be told. */
export interface DescribeOptions extends AudioInputOptions {
  /** What is to be written; `sap` by default. */
  readonly task?: DescribeTask | undefined;
  /** Most tokens of text for each 30 s of audio; as many as the decoder has positions by default. */
  readonly maxTokens?: number | undefined;
  /** Told the seconds of audio described so far. */
  readonly onProgress?: ((progress: { seconds: number; duration?: number | undefined }) => void) | undefined;
  /** Stops the work between two tokens of text. */
  readonly signal?: AbortSignal | undefined;
}

/** Tokens of a clip, as `AudioTokenizer` gives them. */
export interface ClipTokens {
  /** [T] whole numbers below the codebook's size. */
  readonly codes: ArrayLike<number>;
}

/** What is heard in a piece of at most 30 s. */
export interface DescribedPiece {
  /** Seconds into the clip. */
  readonly start: number;
  /** Seconds of audio. */
  readonly duration: number;
  /** As of a whole clip. */
  readonly text: string;
  /** The text's values, for `sap`. */
  readonly sap?: SapAnswer | undefined;
}

/** What is heard in a clip. */
export interface Description {
  /** What was asked for. */
  readonly task: DescribeTask;
  /** The SAP JSON, the transcript, the caption, or the emotion; "" where nothing is heard. */
  readonly text: string;
  /** The text's values, for `sap`. */
  readonly sap?: SapAnswer | undefined;
  /** By pieces of at most 30 s; what they say is joined in the text. */
  readonly pieces: readonly DescribedPiece[];
}

/**
 * Tells in words what is heard in a clip, from its tokens alone: what is said and by whom, and what else sounds
 * (UniAudio-Token, arXiv 2605.31521, section 3). Answers are written by a text decoder, greedily under a grammar, or read
 * off the codes by a smaller network; a SAP answer is always valid.
 *
 * @example
 * const describer = await AudioDescriber.fromPretrained("base-sap");
 * const { sap } = await describer.describe("street.wav");
 * console.log(sap.transcription, sap.nonLinguisticEvents.discreteEvents);
 * await describer.dispose();
 */
export class AudioDescriber {
  /** Number of codes; ids are whole numbers from 0 to codebookSize - 1. */
  readonly codebookSize: number;
  /** Codes a second. */
  readonly frameRate: number;
  /** What runs the network, e.g. `native cpu`. */
  readonly runtime: string;
  readonly #answerer: Answerer;
  readonly #runtime: Runtime;
  readonly #openTokenizer: () => Promise<AudioTokenizer>;
  #tokenizer: Promise<AudioTokenizer> | undefined;

  private constructor(answerer: Answerer, runtime: Runtime, openTokenizer: () => Promise<AudioTokenizer>) {
    this.#answerer = answerer;
    this.#runtime = runtime;
    this.#openTokenizer = openTokenizer;
    this.runtime = runtime.name;
    this.codebookSize = answerer.codebookSize;
    this.frameRate = answerer.frameRate;
  }

  /**
   * Loads a describer. Its tokeniser's network is loaded when audio is first described.
   * @param idOrDirectory a describer's pack: `base-sap` (embedded; not in browsers), a directory, a hub id, or, in
   *   browsers, a URL; also a checkpoint of `uat train`.
   * @throws CheckpointError, GraphError or TokenizerError (all with `isInputError`) for what cannot be loaded, and where
   *   the describer belongs to another tokeniser.
   */
  static async fromPretrained(idOrDirectory = "base-sap", options: DescriberOptions = {}): Promise<AudioDescriber> {
    const { dtype = "fp32" } = options;
    if (dtype !== "fp32" && dtype !== "q8") throw new TokenizerError(`dtype ${dtype}: expected fp32 or q8`);
    const describer = await openDescriber(await openModel(idOrDirectory, { ...options, part: "tokenizer" }));
    let codec: TensorStore | undefined;
    let runtime: Runtime | undefined;
    try {
      const isWhole = describer.kind === "writer" && describer.codebookHash === undefined;
      const id = options.codec ?? (isWhole ? idOrDirectory : "base");
      codec = await openCodec(await openModel(id, { ...options, part: "tokenizer" }), describer, idOrDirectory);
      runtime = await createRuntime(options);
      const answerer = await openAnswerer(runtime, describer, codec, dtype === "q8");
      const { codec: _, dtype: __, ...rest } = options;
      return new AudioDescriber(answerer, runtime, () => AudioTokenizer.fromPretrained(id, rest));
    } catch (error) {
      await runtime?.dispose();
      throw error;
    } finally {
      await codec?.close();
      await describer.store.close();
    }
  }

  /** The same as fromPretrained, by the name transformers.js uses. */
  static from_pretrained(idOrDirectory?: string, options?: DescriberOptions): Promise<AudioDescriber> {
    return AudioDescriber.fromPretrained(idOrDirectory, options);
  }

  /**
   * What is heard in a clip of any length, written piece by piece of at most 30 s.
   * @param clip audio in any form that `AudioTokenizer.encode` takes, or the tokens of a clip.
   * @throws TokenizerError for codes that are none, tasks that the describer was not trained for, and too few tokens for
   *   any answer; what `AudioTokenizer.encode` throws for audio; the signal's reason when it aborts.
   */
  async describe(clip: AudioInput | ClipTokens, options: DescribeOptions = {}): Promise<Description> {
    const { task = "sap", onProgress, signal } = options;
    if (!DESCRIBE_TASKS.includes(task))
      throw new TokenizerError(`task ${String(task)}: expected one of ${DESCRIBE_TASKS.join(", ")}`);
    this.#answerer.check(task, options);
    const pieces: DescribedPiece[] = [];
    for await (const { codes, start, duration, total } of this.#pieces(clip, options)) {
      pieces.push({ start, duration, ...(await this.#answerer.answer(codes, task, { ...options, signal })) });
      onProgress?.({ seconds: start + duration, duration: total });
    }
    return { task, ...joined(task, pieces), pieces };
  }

  /** Frees the networks. The describer must not be used afterwards. */
  async dispose(): Promise<void> {
    await this.#answerer.dispose();
    await this.#runtime.dispose();
    // one that could not be loaded was told when it was
    await (await this.#tokenizer?.catch(() => undefined))?.dispose();
  }

  async *#pieces(
    clip: AudioInput | ClipTokens,
    { channel, signal }: DescribeOptions,
  ): AsyncGenerator<{ codes: Int32Array; start: number; duration: number; total: number | undefined }> {
    if (isTokens(clip)) {
      const codes = checkCodes(clip.codes, this.codebookSize);
      const total = codes.length / this.frameRate;
      for (let at = 0; at < codes.length; at += this.#answerer.longest) {
        const piece = codes.subarray(at, at + this.#answerer.longest);
        yield { codes: piece, start: at / this.frameRate, duration: piece.length / this.frameRate, total };
      }
      return;
    }
    this.#tokenizer ??= this.#openTokenizer();
    const tokenizer = await this.#tokenizer;
    let total: number | undefined;
    const onProgress = ({ duration }: { duration?: number | undefined }) => {
      total = duration;
    };
    for await (const { codes, start, duration } of tokenizer.encodeStream(clip, { channel, signal, onProgress }))
      if (codes.length > 0) yield { codes, start, duration, total };
  }
}

const isTokens = (clip: AudioInput | ClipTokens): clip is ClipTokens =>
  typeof clip === "object" && "codes" in clip && typeof clip.codes === "object";

/** One text about a clip from those about its pieces. */
function joined(task: DescribeTask, pieces: readonly DescribedPiece[]): { text: string; sap?: SapAnswer } {
  if (task === "sap") {
    const sap = joinAnswers(pieces.map((piece) => piece.sap as SapAnswer));
    return { text: formatSap(sap), sap };
  }
  const texts = pieces.map((piece) => piece.text).filter((text) => text !== "");
  return { text: task === "emotion" ? (mostFrequent(texts) ?? "") : texts.join(" ") };
}

/** The networks of a describer of either kind. */
async function openAnswerer(
  runtime: Runtime,
  describer: DescriberFiles,
  codec: TensorStore,
  int8: boolean,
): Promise<Answerer> {
  if (describer.kind === "reader") return ReadAnswers.load(runtime, describer, int8);
  const [own, codes] = [parametersOf(describer.store), parametersOf(codec)];
  const source = (name: string) => (name === "model.encoder.codebook.weight" ? codes("codebook.weight") : own(name));
  return WrittenAnswers.load(runtime, source, describer, int8);
}

/** The tokeniser's tensors, checked to be those that the describer was trained on. The caller closes the store. */
async function openCodec(files: ModelFiles, describer: DescriberFiles, id: string): Promise<TensorStore> {
  const folder = (await files.exists("tokenizer/config.json")) ? "tokenizer/" : "";
  const config = await readWhisperVqConfig(files, `${folder}config.json`);
  const weights = dequantized(await openSafetensorsModel(files, `${folder}model`));
  try {
    const store = stripPrefix(weights, "model.encoder.", "encoder.");
    checkShape(config, describer, `${files.source}: has ${config.quantize_vocab_size} codes`, id);
    const expected = describer.codebookHash;
    const hash = expected === undefined ? undefined : await codebookHash(await readFloat32(store, "codebook.weight"));
    if (hash !== undefined && hash !== expected)
      throw new TokenizerError(
        `${files.source}: its codebook (${hash.slice(0, 12)}…) is not the one that the describer ${id} was trained ` +
          `with (${expected?.slice(0, 12)}…); give the codec that belongs to it`,
      );
    return store;
  } catch (error) {
    await weights.close();
    throw error;
  }
}

/** @throws TokenizerError when the describer reads other codes than the tokeniser writes. */
function checkShape(codec: WhisperVqConfig, describer: DescriberFiles, has: string, id: string): void {
  if (describer.kind === "reader") {
    const { vocab_size: size, frame_rate: rate } = describer.config;
    const own = 50 / (codec.pooling_kernel_size ?? 1);
    if (codec.quantize_vocab_size !== size || own !== rate)
      throw new TokenizerError(
        `${has}, ${own} a second, the describer ${id} reads ${size}, ${rate} a second; ` +
          "give the codec it was trained with",
      );
    return;
  }
  const { quantize_vocab_size: size, d_model } = describer.config;
  if (codec.quantize_vocab_size !== size || codec.d_model !== d_model)
    throw new TokenizerError(
      `${has} of width ${codec.d_model}, the describer ${id} reads ${size} of width ${d_model}; ` +
        "give the codec it was trained with",
    );
}
