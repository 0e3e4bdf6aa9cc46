/** Greedy writing of text about codes: encoder states once, then token by token with the keys and values kept. */
import {
  buildGraph,
  compile,
  type Graph,
  type NumericArray,
  type ParameterSource,
  type Program,
  type Runtime,
  Scope,
} from "@uat/graph";
import { codesEncoder } from "../models/codes-encoder.ts";
import { crossAttentionCache, type WhisperConfig, whisperDecoder } from "../models/whisper-decoder.ts";
import type { WhisperVqConfig } from "../models/whisper-vq.ts";
import { repeatedTail } from "./repetition.ts";
import type { TokenAutomaton } from "./token-automaton.ts";

export type DescriberConfig = WhisperVqConfig & WhisperConfig;

/**
 * The two networks: codes → what the decoder attends to (crossAttentionCache); a step of the decoder.
 * @param source parameters with the names of a training checkpoint.
 */
export function describerGraphs(source: ParameterSource, config: DescriberConfig): [encoder: Graph, decoder: Graph] {
  return [
    buildGraph("describer_encoder", (g) => {
      const p = new Scope(g, source, "model");
      return crossAttentionCache(codesEncoder(g, p.at("encoder"), config), p.at("decoder"), config);
    }),
    buildGraph("describer_decoder", (g) => whisperDecoder(g, new Scope(g, source, "model.decoder"), config)),
  ];
}

export class TextGenerator {
  readonly #config: DescriberConfig;
  readonly #encoder: Program;
  readonly #decoder: Program;

  private constructor(config: DescriberConfig, encoder: Program, decoder: Program) {
    this.#config = config;
    this.#encoder = encoder;
    this.#decoder = decoder;
  }

  /**
   * @param source parameters with the names of a training checkpoint, `model.encoder.codebook.weight` among them.
   * @param int8 whether linear layers run in int8.
   * @throws GraphError when parameters are missing or do not fit the configuration.
   */
  static async load(
    runtime: Runtime,
    source: ParameterSource,
    config: DescriberConfig,
    int8: boolean,
  ): Promise<TextGenerator> {
    const options = int8 ? { quantize: (name: string) => !name.endsWith("codebook.weight") } : {};
    const [encoder, decoder] = describerGraphs(source, config);
    const first = await compile(runtime, encoder, options);
    try {
      return new TextGenerator(config, first, await compile(runtime, decoder, options));
    } catch (error) {
      await first.dispose();
      throw error;
    }
  }

  /**
   * The likeliest tokens, one by one, of those that the grammar allows, without the end token.
   * @param codes of one piece, at least one, at most longestCodes of the configuration.
   * @param first the decoder's first token.
   * @param longest most tokens, the end token among them; the decoder's positions at most, the grammar's shortest answer
   *   at least. An answer that nears it is brought to its end, and so is one that loops.
   */
  async write(
    codes: Int32Array,
    first: number,
    grammar: TokenAutomaton,
    longest: number,
    signal?: AbortSignal,
  ): Promise<number[]> {
    const { decoder_layers, decoder_attention_heads: heads, d_model, max_target_positions } = this.#config;
    const cross = await this.#encoder.run({
      codes: { data: BigInt64Array.from(codes, BigInt), shape: [1, codes.length] },
    });
    const empty = { data: new Float32Array(0), shape: [1, heads, 0, d_model / heads] };
    let past: Record<string, NumericArray> = {};
    for (let n = 0; n < decoder_layers; n++) past[`past_key.${n}`] = past[`past_value.${n}`] = empty;

    const limit = Math.min(longest, max_target_positions);
    const answer = new Answer(grammar);
    for (let step = 0, next = first; step < limit; step++) {
      signal?.throwIfAborted();
      const input_ids = { data: BigInt64Array.of(BigInt(next)), shape: [1, 1] };
      const { logits, ...cache } = await this.#decoder.run({ ...cross, ...past, input_ids });
      past = Object.fromEntries(Object.entries(cache).map(([name, value]) => [`past_${name}`, value]));
      const id = answer.add(logits?.data as Float32Array, limit - step);
      if (id === undefined) break;
      next = id;
    }
    return answer.ids;
  }

  async dispose(): Promise<void> {
    await this.#encoder.dispose();
    await this.#decoder.dispose();
  }
}

/** An answer being written: its tokens, and where in the grammar it stands. */
export class Answer {
  readonly ids: number[] = [];
  readonly #grammar: TokenAutomaton;
  /** Before each of `ids`, and after the last. */
  readonly #states: number[];
  /** Tokens since the last loop. */
  #recent: number[] = [];
  /** Set where the decoder looped: until the end is nearer than this. */
  #hurryTo: number | undefined;

  constructor(grammar: TokenAutomaton) {
    this.#grammar = grammar;
    this.#states = [grammar.start];
  }

  /**
   * Takes the likeliest token.
   * @param left how many may still be written, the end token among them.
   * @returns its id; undefined when the answer has ended.
   */
  add(logits: ArrayLike<number>, left: number): number | undefined {
    const state = this.#states.at(-1) as number;
    const loop = repeatedTail(this.#recent);
    if (loop > 0) this.#leave(loop);
    if (this.#hurryTo !== undefined && this.#grammar.distance(state) < this.#hurryTo) this.#hurryTo = undefined;
    const chosen = this.#grammar.choose(logits, state, left, this.#hurryTo !== undefined);
    if (chosen === undefined) return undefined;
    this.ids.push(chosen.id);
    this.#recent.push(chosen.id);
    this.#states.push(chosen.state);
    return chosen.id;
  }

  /** Leaves the string or list in which the last `loop` tokens repeat earlier ones, and drops them where the text allows. */
  #leave(loop: number): void {
    const states = this.#states.slice(-loop - 1);
    this.#hurryTo = Math.min(...states.map((state) => this.#grammar.distance(state)));
    this.#recent = [];
    if (states[0] !== states.at(-1)) return;
    this.ids.length -= loop;
    this.#states.length -= loop;
  }
}
