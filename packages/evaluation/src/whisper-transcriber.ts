/**
 * Greedy transcription by any Whisper checkpoint in Hugging Face's layout: what word error rates are measured with.
 * No timestamps, no temperature fallback, no language detection: the same audio always gives the same text.
 */
import { WHISPER_SAMPLE_RATE, whisperFeatures } from "@uat/audio";
import { buildGraph, compile, type NumericArray, type Program, type Runtime, Scope } from "@uat/graph";
import {
  CheckpointError,
  crossAttentionCache,
  type ModelFiles,
  openSafetensorsModel,
  parametersOf,
  repeatedTail,
  type WhisperConfig,
  WhisperVocabulary,
  whisperDecoder,
  whisperEncoder,
} from "universal-audio-tokenizer/internal";
import { speechWindows } from "./speech-windows.ts";
import { readWhisperConfig, type WhisperGeneration } from "./whisper-config.ts";

export interface TranscribeOptions {
  /** Whisper's code of the language spoken, e.g. `en`, `de`, `zh`. English by default. */
  readonly language?: string | undefined;
  /** Most tokens of a window of 30 s, the prompt not counted. 224 by default. */
  readonly maxTokens?: number | undefined;
}

export interface Transcription {
  /** Without blanks at either end. */
  readonly text: string;
  /** Ids of all windows, without prompt and end. */
  readonly tokens: readonly number[];
}

export class WhisperTranscriber {
  readonly config: WhisperConfig;
  readonly vocabulary: WhisperVocabulary;
  readonly #generation: WhisperGeneration;
  readonly #encoder: Program;
  readonly #decoder: Program;
  readonly #suppressed: ReadonlySet<number>;

  private constructor(
    config: WhisperConfig,
    generation: WhisperGeneration,
    vocabulary: WhisperVocabulary,
    encoder: Program,
    decoder: Program,
  ) {
    this.config = config;
    this.vocabulary = vocabulary;
    this.#generation = generation;
    this.#encoder = encoder;
    this.#decoder = decoder;
    this.#suppressed = new Set(generation.suppress_tokens);
  }

  /**
   * @param files config.json, model.safetensors (or shards), tokenizer.json and, where there is one,
   *   generation_config.json.
   * @throws CheckpointError, GraphError for files that are missing or do not fit together.
   */
  static async load(files: ModelFiles, runtime: Runtime): Promise<WhisperTranscriber> {
    const { config, generation } = await readWhisperConfig(files);
    const vocabulary = await WhisperVocabulary.read(files);
    const store = await openSafetensorsModel(files, "model");
    try {
      const source = parametersOf(store);
      const encoder = await compile(
        runtime,
        buildGraph("whisper_encoder", (g) => {
          const p = new Scope(g, source, "model");
          return crossAttentionCache(whisperEncoder(g, p.at("encoder"), config), p.at("decoder"), config);
        }),
      );
      const decoder = await compile(
        runtime,
        buildGraph("whisper_decoder", (g) => whisperDecoder(g, new Scope(g, source, "model.decoder"), config)),
      );
      return new WhisperTranscriber(config, generation, vocabulary, encoder, decoder);
    } finally {
      await store.close();
    }
  }

  /**
   * @param samples 16 kHz mono in [−1, 1], of any length; longer than 30 s is cut where it is quietest.
   * @throws CheckpointError when the checkpoint does not know the language.
   */
  async transcribe(samples: Float32Array, options: TranscribeOptions = {}): Promise<Transcription> {
    const prompt = this.#prompt(options.language ?? "en");
    const tokens: number[] = [];
    const texts: string[] = [];
    // an encoder position is two frames of 10 ms
    for (const window of speechWindows(samples, this.config.max_source_positions * 0.02 * WHISPER_SAMPLE_RATE)) {
      const ids = await this.#transcribeWindow(window, prompt, options.maxTokens ?? 224);
      tokens.push(...ids);
      texts.push(this.vocabulary.decode(ids).trim());
    }
    return { text: texts.filter((t) => t !== "").join(" "), tokens };
  }

  async dispose(): Promise<void> {
    await this.#encoder.dispose();
    await this.#decoder.dispose();
  }

  /** Start, language, task, no timestamps; English-only checkpoints have neither language nor task. */
  #prompt(language: string): number[] {
    const special = (name: string) => this.vocabulary.special(`<|${name}|>`);
    const start = special("startoftranscript") ?? this.#generation.decoder_start_token_id;
    const plain = special("notimestamps");
    if (plain === undefined) throw new CheckpointError("tokenizer.json: has no <|notimestamps|>; expected Whisper's");
    // tokenizer files of English-only checkpoints may list languages, but their output ends before them
    const multilingual = this.config.vocab_size >= 51865 || special("transcribe") === undefined;
    if (!multilingual && language === "en") return [start, plain];
    const [spoken, task] = [special(language), special("transcribe")];
    if (spoken === undefined || task === undefined || !multilingual)
      throw new CheckpointError(`tokenizer.json: has no <|${language}|>; expected a language this checkpoint knows`);
    return [start, spoken, task, plain];
  }

  /** `window`: exactly as many samples as the encoder hears at once. */
  async #transcribeWindow(window: Float32Array, prompt: readonly number[], maxTokens: number): Promise<number[]> {
    const { decoder_layers, decoder_attention_heads: heads, d_model, max_target_positions } = this.config;
    const { data, mels, frames } = whisperFeatures(window, this.config.num_mel_bins);
    const cross = await this.#encoder.run({ input_features: { data, shape: [1, mels, frames] } }, { transfer: true });
    let past: Record<string, NumericArray> = {};
    for (let n = 0; n < decoder_layers; n++) {
      const empty = { data: new Float32Array(0), shape: [1, heads, 0, d_model / heads] };
      past[`past_key.${n}`] = empty;
      past[`past_value.${n}`] = empty;
    }
    const limit = Math.min(maxTokens, max_target_positions - prompt.length);
    const tokens: number[] = [];
    let next: readonly number[] = prompt;
    while (tokens.length < limit) {
      const input = { data: BigInt64Array.from(next, BigInt), shape: [1, next.length] };
      const { logits, ...cache } = await this.#decoder.run({ input_ids: input, ...past, ...cross });
      const token = this.#choose(logits?.data as Float32Array, tokens.length === 0);
      if (token === this.#generation.eos_token_id) break;
      tokens.push(token);
      const loop = repeatedTail(tokens);
      if (loop > 0) return tokens.slice(0, tokens.length - loop);
      past = Object.fromEntries(Object.entries(cache).map(([name, value]) => [`past_${name}`, value]));
      next = [token];
    }
    return tokens;
  }

  /** The likeliest id that may be said: text or end, as all special tokens and timestamps follow the end token. */
  #choose(logits: Float32Array, first: boolean): number {
    const { eos_token_id: end, begin_suppress_tokens: notFirst } = this.#generation;
    let best = end;
    let value = Number.NEGATIVE_INFINITY;
    for (let id = 0; id <= end; id++) {
      if ((logits[id] as number) <= value || this.#suppressed.has(id) || (first && notFirst.includes(id))) continue;
      value = logits[id] as number;
      best = id;
    }
    return best;
  }
}
