/**
 * The decoder of UniAudio-Token and GLM-4-Voice: codes → mel by conditional flow matching → waveform by HiFT.
 *
 * All random values of a call come from torch's CPU generator started at `seed`, in upstream's order: the flow's noise,
 * the phases of the harmonics, the excitation's noise.
 */
import type { Runtime } from "@uat/graph";
import { type DecoderConfig, readDecoderConfig } from "../checkpoint/config/decoder.ts";
import { hiftNames } from "../checkpoint/hift-names.ts";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { openSafetensorsModel } from "../checkpoint/safetensors.ts";
import type { TensorStore } from "../checkpoint/tensor-store.ts";
import { openTorchFile } from "../checkpoint/torch-file.ts";
import { foldWeightNorm } from "../checkpoint/weight-norm.ts";
import { TokenizerError } from "../errors.ts";
import { TorchGenerator } from "../random/torch-generator.ts";
import { OVERLAP_TOKENS } from "./alignment.ts";
import { boundedStream } from "./bounded-stream.ts";
import { chunks } from "./chunks.ts";
import type { DecodeOptions, DecoderSystem, DecodeStreamOptions } from "./decoder-system.ts";
import { Flow } from "./flow.ts";
import { joinSamples, joinTokens } from "./join.ts";
import type { Mel } from "./mel.ts";
import { drawExcitation, FLOW_SHARE, promptedStream, type StreamedPiece, vocoderOptions } from "./prompted-stream.ts";
import { Vocoder } from "./vocoder.ts";

const DEFAULT_SEED = 42;

/** Weights of `name`: `name.safetensors` (or its shards) where there is one, else `name.pt`. */
export async function openDecoderWeights(files: ModelFiles, directory: string, name: string): Promise<TensorStore> {
  const at = directory ? `${directory}/${name}` : name;
  const inSafetensors =
    (await files.exists(`${at}.safetensors`)) || (await files.exists(`${at}.safetensors.index.json`));
  return inSafetensors ? openSafetensorsModel(files, at) : openTorchFile(await files.open(`${at}.pt`));
}

/** A vocoder's weights under this project's names, its weight norm folded. */
export const openVocoderWeights = async (files: ModelFiles, directory: string): Promise<TensorStore> =>
  foldWeightNorm(hiftNames(await openDecoderWeights(files, directory, "hift")));

/** Configuration and weights of a decoder directory: the flow's, and HiFT's under this project's names. */
export async function openFlowDecoder(files: ModelFiles, directory: string) {
  const config = await readDecoderConfig(files, directory ? `${directory}/config.yaml` : "config.yaml");
  const flow = await openDecoderWeights(files, directory, "flow");
  const hift = await openVocoderWeights(files, directory);
  return { config, flow, hift };
}

/**
 * Loads config.yaml, flow.pt and hift.pt (or .safetensors) of `directory`, a path inside `files`.
 * @throws CheckpointError or GraphError (both with `isInputError`) for files that are missing, damaged or do not fit.
 */
export async function loadFlowDecoder(files: ModelFiles, directory: string, runtime: Runtime): Promise<FlowDecoder> {
  const { config, flow, hift } = await openFlowDecoder(files, directory);
  try {
    return new FlowDecoder(
      config,
      await Flow.load(config.flow, flow, runtime),
      await Vocoder.load(config.hift, hift, runtime),
    );
  } finally {
    await flow.close();
    await hift.close();
  }
}

/** What a decode gives beside the waveform. */
export interface Synthesis {
  /** 256 samples a frame. */
  readonly waveform: Float32Array;
  readonly mel: Mel;
  /** Fundamental frequency in Hz, one a frame. */
  readonly f0: Float32Array;
}

export class FlowDecoder implements DecoderSystem {
  readonly kind = "flow matching + HiFT";
  readonly config: DecoderConfig;
  /** Hz */
  readonly sampleRate: number;
  /** Codes a second. */
  readonly frameRate: number;
  readonly codebookSize: number;
  readonly flow: Flow;
  readonly vocoder: Vocoder;

  constructor(config: DecoderConfig, flow: Flow, vocoder: Vocoder) {
    this.config = config;
    this.sampleRate = config.sample_rate;
    this.frameRate = config.flow.input_frame_rate;
    this.codebookSize = config.flow.vocab_size;
    this.flow = flow;
    this.vocoder = vocoder;
  }

  /**
   * The waveform of all codes; in one piece as upstream, or with `window` in blocks of bounded cost.
   * @throws TokenizerError for codes, embeddings or prompts that do not fit the model; AbortError when told to stop.
   */
  async decode(codes: ArrayLike<number>, options: DecodeOptions = {}): Promise<Float32Array> {
    const { window, prompt, onProgress } = options;
    if (window === undefined) return (await this.synthesize(codes, options)).waveform;
    if (prompt)
      throw new TokenizerError("a prompt and a window exclude each other: the window is the prompt of what follows it");
    const blockSize = Math.max(2 * window, this.#defaultBlock());
    const parts: Float32Array[] = [];
    const blocks = Math.ceil(codes.length / blockSize);
    const stream = this.decodeStream(codes, {
      ...options,
      blockSize,
      onProgress: (share) => onProgress?.((parts.length + share) / blocks),
    });
    for await (const part of stream) parts.push(part);
    return joinSamples(...parts);
  }

  /** As {@link decode} in one piece, with the mel and the pitch on the way. */
  async synthesize(codes: ArrayLike<number>, options: DecodeOptions = {}): Promise<Synthesis> {
    const { prompt, embedding, onProgress, signal } = options;
    const random = this.#generator(options.seed);
    this.#checkEmbedding(embedding);
    const given = this.#checkCodes(codes, 0);
    if (given.length === 0) throw new TokenizerError("there are no codes to decode");
    const tokens = prompt ? joinTokens(this.#checkCodes(prompt.tokens, 0), given) : given;
    const mel = await this.flow.mel({
      tokens,
      embedding,
      promptMel: prompt && this.#checkMel(prompt.mel),
      noise: (frames) => random.randn(this.config.flow.output_size * frames),
      onStep: (done, total) => onProgress?.((FLOW_SHARE * done) / total),
      signal,
    });
    if (mel.frames === 0)
      throw new TokenizerError(
        `${given.length} codes give no mel frames${prompt ? " beyond those of the prompt" : ""}`,
      );
    const f0 = await this.vocoder.f0(mel);
    const source = drawExcitation(f0, this.vocoder, random);
    const waveform = await this.vocoder.waveform(mel, source, vocoderOptions({ onProgress, signal }));
    return { waveform, mel, f0 };
  }

  /**
   * The waveform in pieces, one a block of codes. Without `window` exactly as upstream, whose cost per piece grows with
   * all that came before; with it, the cost stays the same (see bounded-stream.ts).
   * @throws TokenizerError also for a block or window no longer than the overlap of 5 codes, and for an empty list.
   */
  async *decodeStream(
    codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions = {},
  ): AsyncGenerator<Float32Array> {
    for await (const { waveform } of this.synthesizeStream(codes, options)) yield waveform;
  }

  /** As {@link decodeStream}, with each piece's mel and pitch. */
  async *synthesizeStream(
    codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
    options: DecodeStreamOptions = {},
  ): AsyncGenerator<StreamedPiece> {
    const { seed = DEFAULT_SEED, embedding, signal, onProgress, window, blockSize = this.#defaultBlock() } = options;
    this.#generator(seed);
    this.#checkEmbedding(embedding);
    checkSpan("block size", blockSize);
    if (window !== undefined) checkSpan("window", window);
    const blocks = chunks(codes, blockSize, (piece, start) => this.#checkCodes(piece, start));
    const given = { seed, embedding, signal, onProgress };
    let empty = true;
    const pieces =
      window === undefined
        ? promptedStream(blocks, this.flow, this.vocoder, given)
        : boundedStream(blocks, this.flow, this.vocoder, window, given);
    for await (const piece of pieces) {
      empty = false;
      yield piece;
    }
    if (empty) throw new TokenizerError("there are no codes to decode");
  }

  async dispose(): Promise<void> {
    await this.flow.dispose();
    await this.vocoder.dispose();
  }

  #defaultBlock(): number {
    return this.config.flow.encoder.block_size ?? Math.max(OVERLAP_TOKENS + 1, Math.round(this.frameRate));
  }

  #generator(seed = DEFAULT_SEED): TorchGenerator {
    if (!Number.isSafeInteger(seed)) throw new TokenizerError(`seed ${seed}: expected a whole number`);
    return new TorchGenerator(seed);
  }

  #checkCodes(codes: ArrayLike<number>, start: number): Int32Array {
    for (let i = 0; i < codes.length; i++) {
      const id = codes[i] as number;
      if (!Number.isInteger(id)) throw new TokenizerError(`code ${start + i} is ${id}: expected a whole number`);
      if (id >= this.codebookSize)
        throw new TokenizerError(
          `code ${start + i} is ${id}: this decoder knows codes below ${this.codebookSize}; was another tokeniser used?`,
        );
    }
    return Int32Array.from(codes, (id) => Math.max(0, id));
  }

  #checkEmbedding(embedding: Float32Array | undefined): void {
    const expected = this.config.flow.spk_embed_dim;
    if (embedding && embedding.length !== expected)
      throw new TokenizerError(`the speaker embedding has ${embedding.length} values, expected ${expected}`);
    if (embedding?.some((v) => !Number.isFinite(v)))
      throw new TokenizerError("the speaker embedding holds values that are not finite numbers");
  }

  #checkMel(mel: { readonly data: Float32Array; readonly frames: number }): Mel {
    const bins = this.config.flow.output_size;
    if (mel.data.length !== bins * mel.frames)
      throw new TokenizerError(
        `the prompt's mel has ${mel.data.length} values for ${mel.frames} frames, expected ${bins} a frame`,
      );
    if (mel.data.some((v) => !Number.isFinite(v)))
      throw new TokenizerError("the prompt's mel holds values that are not finite numbers");
    return { ...mel, bins };
  }
}

function checkSpan(name: string, value: number): void {
  if (!Number.isInteger(value) || value <= OVERLAP_TOKENS)
    throw new TokenizerError(`${name} ${value}: expected a whole number of codes above ${OVERLAP_TOKENS}, the overlap`);
}
