/** The tokeniser system of UniAudio-Token and GLM-4-Voice: features → encoder with quantiser → codes. */
import { WHISPER_HOP_LENGTH, WHISPER_SAMPLE_RATE, whisperFeatures } from "@uat/audio";
import { buildGraph, compile, type Graph, type NumericArray, type Program, type Runtime, Scope } from "@uat/graph";
import { readPreprocessorConfig } from "../checkpoint/config/preprocessor.ts";
import { readWhisperVqConfig } from "../checkpoint/config/whisper-vq.ts";
import { dequantized } from "../checkpoint/int8-weights.ts";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { parametersOf } from "../checkpoint/parameters.ts";
import { openSafetensorsModel } from "../checkpoint/safetensors.ts";
import { readFloat32, type TensorStore } from "../checkpoint/tensor-store.ts";
import { stripPrefix } from "../checkpoint/views.ts";
import { TokenizerError } from "../errors.ts";
import { type WhisperVqConfig, whisperVq } from "../models/whisper-vq.ts";
import { liveWindows } from "./live-windows.ts";
import { type LookAhead, lookAhead } from "./look-ahead.ts";
import { PIECE_SAMPLES, type Piece, pieces } from "./segments.ts";

/** Two distances nearer than this, relative to the larger, count as a tie. */
const TIE = 1e-4;

/** fp32: as upstream. q8: linear layers in int8, faster and smaller, some codes differ. */
export type TokenizerDtype = "fp32" | "q8";

/** A checkpoint's weights by the names the network asks for; the caller closes the store. */
const openWeights = async (files: ModelFiles, base: string): Promise<TensorStore> =>
  // training checkpoints hold the whole encoder-decoder
  stripPrefix(dequantized(await openSafetensorsModel(files, base)), "model.encoder.", "encoder.");

/**
 * The graph of a tokeniser checkpoint: `input_features`, `attention_mask` → `audio_codes`, `distances`, and with `gate`,
 * where the checkpoint has a gated residual, `gate` [batch, time], the mean of γ over its dimensions. Its weights are read
 * from `store` when it is compiled; the caller closes the store afterwards.
 */
export async function tokenizerGraph(
  files: ModelFiles,
  directory: string,
  { gate = false }: { gate?: boolean } = {},
): Promise<{ graph: Graph; config: WhisperVqConfig; store: TensorStore }> {
  const at = (name: string) => (directory ? `${directory}/${name}` : name);
  const config = await readWhisperVqConfig(files, at("config.json"));
  const preprocessor = await readPreprocessorConfig(files, at("preprocessor_config.json"));
  if (preprocessor.feature_size !== config.num_mel_bins) {
    throw new TokenizerError(
      `${at("preprocessor_config.json")}: feature_size ${preprocessor.feature_size} differs from num_mel_bins ${config.num_mel_bins} of config.json`,
    );
  }
  if (config.quantize_vocab_size === null) {
    throw new TokenizerError(
      `${at("config.json")}: quantize_vocab_size is null: this checkpoint has no codebook and gives no codes`,
    );
  }
  const store = await openWeights(files, at("model"));
  const graph = buildGraph("tokenizer", (g) => {
    const taps = whisperVq(g, new Scope(g, parametersOf(store)), config);
    return {
      audio_codes: taps.codes as NonNullable<typeof taps.codes>,
      distances: taps.distances as NonNullable<typeof taps.distances>,
      ...(gate && taps.gate && { gate: taps.gate.mean(-1) }),
    };
  });
  return { graph, config, store };
}

export class WhisperVqTokenizer {
  readonly config: WhisperVqConfig;
  readonly codebookSize: number;
  /** Codes a second. */
  readonly frameRate: number;
  readonly sampleRate = WHISPER_SAMPLE_RATE;
  /** Where attention is causal from block to block. */
  readonly lookAhead: LookAhead | undefined;
  readonly #program: Program;
  readonly #stride: number;
  readonly #weights: () => Promise<TensorStore>;

  private constructor(config: WhisperVqConfig, program: Program, weights: () => Promise<TensorStore>) {
    this.config = config;
    this.codebookSize = config.quantize_vocab_size as number;
    this.#stride = 2 * (config.pooling_kernel_size ?? 1) * WHISPER_HOP_LENGTH;
    this.frameRate = WHISPER_SAMPLE_RATE / this.#stride;
    this.lookAhead = lookAhead(config);
    this.#program = program;
    this.#weights = weights;
  }

  static async load(
    files: ModelFiles,
    directory: string,
    runtime: Runtime,
    dtype: TokenizerDtype,
  ): Promise<WhisperVqTokenizer> {
    const { graph, config, store } = await tokenizerGraph(files, directory, { gate: true });
    const program = await compile(runtime, graph, dtype === "q8" ? { quantize: int8Weights(config) } : {}).finally(() =>
      store.close(),
    );
    const base = directory ? `${directory}/model` : "model";
    return new WhisperVqTokenizer(config, program, () => openWeights(files, base));
  }

  /** The codes' vectors [size, d], read anew from the checkpoint; inference has no need of them as numbers. */
  async codebook(): Promise<{ vectors: Float32Array; shape: readonly [number, number] }> {
    const store = await this.#weights();
    try {
      const vectors = await readFloat32(store, "codebook.weight");
      return { vectors, shape: [this.codebookSize, vectors.length / this.codebookSize] };
    } finally {
      await store.close();
    }
  }

  /** Codes of a clip of 16 kHz samples, piece by piece. Each piece runs alone, so no clip depends on another. */
  async *encode(
    blocks: AsyncIterable<Float32Array>,
  ): AsyncGenerator<{ codes: Int32Array; samples: number; ties: number; gate?: Float32Array | undefined }> {
    for await (const piece of pieces(blocks, this.#stride))
      yield { ...(await this.#encodePiece(piece)), samples: piece.valid };
  }

  /**
   * Codes of audio that is still coming in, `chunk` tokens at a time.
   * @param settings `chunk` in tokens; `context`, seconds tokenised again before each chunk; `ahead`, seconds heard after
   * it where the checkpoint does not tell how far its codes hear.
   */
  async *encodeLive(
    blocks: AsyncIterable<Float32Array>,
    { chunk, ahead, context }: { chunk: number; ahead: number; context: number },
  ): AsyncGenerator<{ codes: Int32Array; samples: number; ties: number }> {
    const stride = this.#stride;
    const waited = Math.round(ahead * this.sampleRate);
    // no code hears more than its piece
    const heardFor = this.lookAhead?.heardFor ?? ((end: number) => Math.min(end * stride + waited, PIECE_SAMPLES));
    const before = Math.ceil((context * this.sampleRate) / stride);
    for await (const window of liveWindows(blocks, { stride, chunk, context: before, heardFor })) {
      const { skip, take } = window;
      const { codes, tied } = await this.#encodeWindow(window);
      const ties = tied.subarray(skip, skip + take).reduce((n, tie) => n + tie, 0);
      yield { codes: codes.slice(skip, skip + take), samples: window.duration, ties };
    }
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }

  async #encodePiece(piece: Piece) {
    const { codes, tied, gate } = await this.#encodeWindow(piece);
    return { codes, ties: tied.reduce((n, tie) => n + tie, 0), gate };
  }

  /** Codes of one window of samples, with 1 where the two nearest codes tie, and γ of each where there is a gate. */
  async #encodeWindow({ samples, valid }: Piece): Promise<{
    codes: Int32Array;
    tied: Uint8Array;
    gate: Float32Array | undefined;
  }> {
    const { data, mels, frames } = whisperFeatures(samples, this.config.num_mel_bins);
    const mask = new Int32Array(frames).fill(1, 0, Math.ceil(valid / WHISPER_HOP_LENGTH));
    const {
      audio_codes,
      distances: gaps,
      gate: openness,
    } = (await this.#program.run(
      { input_features: { data, shape: [1, mels, frames] }, attention_mask: { data: mask, shape: [1, frames] } },
      { transfer: true },
    )) as Record<"audio_codes" | "distances", NumericArray> & { gate?: NumericArray };
    // a token is real when the frame at its start is: positions whose mask, taken at every stride, is 1
    const count = Math.ceil(valid / this.#stride);
    const codes = Int32Array.from((audio_codes.data as BigInt64Array).subarray(0, count), Number);
    const distances = gaps.data as Float32Array;
    const tied = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      const [first, second] = [distances[2 * i] as number, distances[2 * i + 1] as number];
      if (second - first <= TIE * Math.abs(second)) tied[i] = 1;
    }
    const gate = openness && meanOfRuns(openness.data as Float32Array, audio_codes.data.length).subarray(0, count);
    return { codes, tied, gate };
  }
}

/** Means of `count` neighbouring runs of equal length: γ of a token whose frames are pooled after the gate. */
function meanOfRuns(values: Float32Array, count: number): Float32Array {
  const run = values.length / count;
  return Float32Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < run; k++) sum += values[i * run + k] as number;
    return sum / run;
  });
}

/** Which weights run in int8: the layers' linear maps, but for the modules the checkpoint keeps in float. */
export function int8Weights({ modules_to_not_convert: kept = [] }: WhisperVqConfig): (parameter: string) => boolean {
  return (parameter) => parameter.startsWith("layers.") && !kept.some((module) => parameter.startsWith(`${module}.`));
}
