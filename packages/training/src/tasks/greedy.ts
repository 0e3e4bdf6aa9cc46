/** Greedy decoding of answers from encoder states, with the decoder's weights as they are in training. */
import { crossAttentionCache, type WhisperConfig, whisperDecoder } from "@uat/evaluation";
import { buildGraph, compile, type NumericArray, type Program, type Runtime, Scope, symbol } from "@uat/graph";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";

export class GreedyDecoder {
  readonly #config: WhisperConfig;
  readonly #cross: Program;
  readonly #step: Program;
  readonly #crossWeights: readonly string[];
  readonly #stepWeights: readonly string[];

  private constructor(config: WhisperConfig, programs: readonly [Program, Program], weights: readonly string[][]) {
    this.#config = config;
    [this.#cross, this.#step] = programs;
    [this.#crossWeights, this.#stepWeights] = weights as [string[], string[]];
  }

  /** @param parameters hold the decoder below `model.decoder`; their values are read at every call. */
  static async create(runtime: Runtime, parameters: ParameterArena, config: WhisperConfig): Promise<GreedyDecoder> {
    const graphs = [
      buildGraph("cross_attention", (g) => {
        const hidden = g.input("hidden", [1, symbol("source"), config.d_model]);
        return crossAttentionCache(hidden, new Scope(g, parameters.source, "model.decoder"), config);
      }),
      buildGraph("decoder_step", (g) => whisperDecoder(g, new Scope(g, parameters.source, "model.decoder"), config)),
    ];
    const programs = await Promise.all(graphs.map((graph) => compile(runtime, graph, { fed: () => true })));
    return new GreedyDecoder(
      config,
      programs as [Program, Program],
      graphs.map((graph) => [...graph.parameters.keys()]),
    );
  }

  /**
   * The likeliest tokens after `start`, one by one, up to and without `end`.
   * @param hidden encoder states [source, d], row-major.
   * @param weights where a weight is now.
   */
  async decode(
    hidden: Float32Array,
    start: number,
    end: number,
    longest: number,
    weights: (name: string) => NumericArray,
  ): Promise<number[]> {
    const { d_model, decoder_attention_heads: heads, decoder_layers, max_target_positions } = this.#config;
    const fed = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, weights(name)]));
    const cross = await this.#cross.run({
      hidden: { data: hidden, shape: [1, hidden.length / d_model, d_model] },
      ...fed(this.#crossWeights),
    });
    const own = fed(this.#stepWeights);
    const empty = { data: new Float32Array(0), shape: [1, heads, 0, d_model / heads] };
    let past: Record<string, NumericArray> = {};
    for (let n = 0; n < decoder_layers; n++) past[`past_key.${n}`] = past[`past_value.${n}`] = empty;
    const ids: number[] = [];
    let next = start;
    while (ids.length < Math.min(longest, max_target_positions)) {
      const input_ids = { data: BigInt64Array.of(BigInt(next)), shape: [1, 1] };
      const { logits, ...state } = await this.#step.run({ ...cross, ...past, ...own, input_ids });
      past = Object.fromEntries(Object.entries(state).map(([name, value]) => [`past_${name}`, value]));
      next = likeliest((logits as NumericArray).data as Float32Array);
      if (next === end) break;
      ids.push(next);
    }
    return ids;
  }

  async dispose(): Promise<void> {
    await this.#cross.dispose();
    await this.#step.dispose();
  }
}

function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if ((logits[i] as number) > (logits[best] as number)) best = i;
  return best;
}
