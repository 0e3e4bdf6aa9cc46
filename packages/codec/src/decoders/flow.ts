/** Tokens → mel: runs the token encoder once and the Euler step as often as the solver wants. */
import { buildGraph, compile, type Program, type Runtime, Scope } from "@uat/graph";
import type { FlowConfig } from "../checkpoint/config/decoder.ts";
import { parametersOf } from "../checkpoint/parameters.ts";
import type { TensorStore } from "../checkpoint/tensor-store.ts";
import { TokenizerError } from "../errors.ts";
import { flowEncoderGraph } from "../models/flow-encoder.ts";
import { eulerStepGraph, eulerSteps } from "../models/flow-matching.ts";
import { melFrames, sourceTokens } from "./alignment.ts";
import { emptyMel, type Mel, sliceMel } from "./mel.ts";
import type { MelInput, MelModel } from "./mel-model.ts";

/** Attention scores of one layer that can be asked for: 64 GiB of them. */
const MOST_SCORES = 2 ** 34;

export class Flow implements MelModel {
  readonly kind = "flow matching + HiFT";
  readonly config: FlowConfig;
  readonly codebookSize: number;
  readonly frameRate: number;
  readonly bins: number;
  readonly speakerSize: number;
  readonly blockSize: number | undefined;
  readonly streamWindow = undefined;
  readonly #encoder: Program;
  /** Absent where the configuration has no Euler steps. */
  readonly #step: Program | undefined;

  private constructor(config: FlowConfig, encoder: Program, step: Program | undefined) {
    this.config = config;
    this.codebookSize = config.vocab_size;
    this.frameRate = config.input_frame_rate;
    this.bins = config.output_size;
    this.speakerSize = config.spk_embed_dim;
    this.blockSize = config.encoder.block_size;
    this.#encoder = encoder;
    this.#step = step;
  }

  /** @throws GraphError when the checkpoint lacks a tensor or holds another shape than the configuration says. */
  static async load(config: FlowConfig, store: TensorStore, runtime: Runtime): Promise<Flow> {
    const { encoder, step } = flowGraphs(config, store);
    return new Flow(config, await compile(runtime, encoder), step && (await compile(runtime, step)));
  }

  frames(tokens: number): number {
    return melFrames(tokens, this.config.input_frame_rate);
  }

  async mel(input: MelInput): Promise<Mel> {
    const { tokens, promptMel, signal } = input;
    const bins = this.config.output_size;
    const frames = this.frames(tokens.length);
    const prompt = promptMel?.frames ?? 0;
    if (prompt > frames)
      throw new TokenizerError(
        `the prompt's mel has ${prompt} frames, more than the ${frames} of all ${tokens.length} tokens; give the mel of the prompt's tokens`,
      );
    const { encoder, decoder } = this.config;
    const scores = Math.max(encoder.attention_heads * tokens.length ** 2, decoder.estimator.num_heads * frames ** 2);
    if (scores > MOST_SCORES)
      throw new TokenizerError(
        `${tokens.length} codes, ${frames} mel frames, are too many to decode in one piece; give a window, which bounds memory`,
      );
    signal?.throwIfAborted();
    if (frames === prompt) return emptyMel(bins);
    const { mu, spk } = await this.#encoder.run(this.#encoderInputs(tokens, frames, input.embedding));
    const cond = new Float32Array(bins * frames);
    if (promptMel)
      for (let b = 0; b < bins; b++) cond.set(promptMel.data.subarray(b * prompt, (b + 1) * prompt), b * frames);

    const shape = [1, bins, frames];
    const given = { mu: mu!, spk: spk!, cond: { data: cond, shape } };
    const { prior_deviation: deviation, t_scheduler, steps: count } = this.config.decoder.cfm_params;
    if (!this.#step) return sliceMel({ data: mu!.data as Float32Array, bins, frames }, prompt);
    let x = input.noise(frames);
    if (deviation !== null) x = x.map((z, i) => (mu!.data[i] as number) + deviation * z);
    const steps = eulerSteps(count, t_scheduler);
    for (const [i, { t, dt }] of steps.entries()) {
      signal?.throwIfAborted();
      const { next } = await this.#step.run({
        ...given,
        x: { data: x, shape },
        t: { data: Float32Array.of(t), shape: [1] },
        dt: { data: Float32Array.of(dt), shape: [1] },
      });
      x = next!.data as Float32Array;
      input.onStep?.(i + 1, steps.length);
    }
    return sliceMel({ data: x, bins, frames }, prompt);
  }

  #encoderInputs(tokens: Int32Array, frames: number, embedding?: Float32Array) {
    const n = tokens.length;
    const width = this.config.spk_embed_dim;
    const { selfattention_layer_type: attention, block_size: size = n } = this.config.encoder;
    return {
      tokens: { data: tokens.map((id) => Math.max(0, id)), shape: [n] },
      offsets: { data: Float32Array.from({ length: 2 * n - 1 }, (_, i) => n - 1 - i), shape: [2 * n - 1] },
      source: { data: sourceTokens(n, frames), shape: [frames] },
      embedding: { data: embedding ?? new Float32Array(width), shape: [1, width] },
      ...(attention === "block_rel_selfattn" && {
        blocks: { data: Int32Array.from({ length: n }, (_, i) => Math.floor(i / size)), shape: [n] },
      }),
    };
  }

  async dispose(): Promise<void> {
    await this.#encoder.dispose();
    await this.#step?.dispose();
  }
}

/** The graphs of a flow checkpoint: `encoder` (tokens → mu, spk) and, where it has Euler steps, `step` (a guided one). */
export function flowGraphs(config: FlowConfig, store: TensorStore) {
  const source = parametersOf(store);
  return {
    encoder: buildGraph("flow_encoder", (g) => {
      const { mu, spk } = flowEncoderGraph(g, new Scope(g, source), config);
      return { mu, spk };
    }),
    step:
      config.decoder.cfm_params.steps > 0
        ? buildGraph("flow_step", (g) => ({ next: eulerStepGraph(g, new Scope(g, source), config.decoder).next! }))
        : undefined,
  };
}
