/** The tokeniser system of UniAudio-Token and GLM-4-Voice: features → encoder with quantiser → codes. */
import { WHISPER_HOP_LENGTH, WHISPER_SAMPLE_RATE, whisperFeatures } from "@uat/audio";
import { buildGraph, compile, type Graph, type NumericArray, type Program, type Runtime, Scope } from "@uat/graph";
import { readPreprocessorConfig } from "../checkpoint/config/preprocessor.ts";
import { readWhisperVqConfig } from "../checkpoint/config/whisper-vq.ts";
import { dequantized } from "../checkpoint/int8-weights.ts";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { parametersOf } from "../checkpoint/parameters.ts";
import { openSafetensorsModel } from "../checkpoint/safetensors.ts";
import type { TensorStore } from "../checkpoint/tensor-store.ts";
import { stripPrefix } from "../checkpoint/views.ts";
import { TokenizerError } from "../errors.ts";
import { type WhisperVqConfig, whisperVq } from "../models/whisper-vq.ts";
import { type Piece, pieces } from "./segments.ts";

/** Two distances nearer than this, relative to the larger, count as a tie. */
const TIE = 1e-4;

/** fp32: as upstream. q8: linear layers in int8, faster and smaller, some codes differ. */
export type TokenizerDtype = "fp32" | "q8";

/**
 * The graph of a tokeniser checkpoint: `input_features`, `attention_mask` → `audio_codes`, `distances`. Its weights are
 * read from `store` when it is compiled; the caller closes the store afterwards.
 */
export async function tokenizerGraph(
  files: ModelFiles,
  directory: string,
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
  // training checkpoints hold the whole encoder-decoder
  const store = stripPrefix(dequantized(await openSafetensorsModel(files, at("model"))), "model.encoder.", "encoder.");
  const graph = buildGraph("tokenizer", (g) => {
    const taps = whisperVq(g, new Scope(g, parametersOf(store)), config);
    return {
      audio_codes: taps.codes as NonNullable<typeof taps.codes>,
      distances: taps.distances as NonNullable<typeof taps.distances>,
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
  readonly #program: Program;
  readonly #stride: number;

  private constructor(config: WhisperVqConfig, program: Program) {
    this.config = config;
    this.codebookSize = config.quantize_vocab_size as number;
    this.#stride = 2 * (config.pooling_kernel_size ?? 1) * WHISPER_HOP_LENGTH;
    this.frameRate = WHISPER_SAMPLE_RATE / this.#stride;
    this.#program = program;
  }

  static async load(
    files: ModelFiles,
    directory: string,
    runtime: Runtime,
    dtype: TokenizerDtype,
  ): Promise<WhisperVqTokenizer> {
    const { graph, config, store } = await tokenizerGraph(files, directory);
    const program = await compile(runtime, graph, dtype === "q8" ? { quantize: int8Weights(config) } : {}).finally(() =>
      store.close(),
    );
    return new WhisperVqTokenizer(config, program);
  }

  /** Codes of a clip of 16 kHz samples, piece by piece. Each piece runs alone, so no clip depends on another. */
  async *encode(
    blocks: AsyncIterable<Float32Array>,
  ): AsyncGenerator<{ codes: Int32Array; samples: number; ties: number }> {
    for await (const piece of pieces(blocks, this.#stride))
      yield { ...(await this.#encodePiece(piece)), samples: piece.valid };
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }

  async #encodePiece({ samples, valid }: Piece): Promise<{ codes: Int32Array; ties: number }> {
    const { data, mels, frames } = whisperFeatures(samples, this.config.num_mel_bins);
    const mask = new Int32Array(frames).fill(1, 0, Math.ceil(valid / WHISPER_HOP_LENGTH));
    const { audio_codes, distances: gaps } = (await this.#program.run(
      { input_features: { data, shape: [1, mels, frames] }, attention_mask: { data: mask, shape: [1, frames] } },
      { transfer: true },
    )) as Record<"audio_codes" | "distances", NumericArray>;
    // a token is real when the frame at its start is: positions whose mask, taken at every stride, is 1
    const count = Math.ceil(valid / this.#stride);
    const codes = Int32Array.from((audio_codes.data as BigInt64Array).subarray(0, count), Number);
    const distances = gaps.data as Float32Array;
    let ties = 0;
    for (let i = 0; i < count; i++) {
      const [first, second] = [distances[2 * i] as number, distances[2 * i + 1] as number];
      if (second - first <= TIE * Math.abs(second)) ties++;
    }
    return { codes, ties };
  }
}

/** Which weights run in int8: the layers' linear maps, but for the modules the checkpoint keeps in float. */
export function int8Weights({ modules_to_not_convert: kept = [] }: WhisperVqConfig): (parameter: string) => boolean {
  return (parameter) => parameter.startsWith("layers.") && !kept.some((module) => parameter.startsWith(`${module}.`));
}
