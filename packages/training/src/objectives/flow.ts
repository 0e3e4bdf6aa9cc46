/**
 * Conditional flow matching (Lipman et al., 2022, arXiv 2210.02747) on the optimal-transport path, as a decoder of the
 * CosyVoice family is trained: noise z and mel x₁ are joined by the line x_t = (1 − (1 − σ)t)·z + t·x₁, and the network
 * is taught its velocity u = x₁ − (1 − σ)·z from x_t, t and what it is told: tokens, speaker, and the mel's beginning.
 *
 * All items of a batch are equally long (flow-batch.ts cuts them so), hence nothing is masked. The loss counts every
 * frame, those given as a prompt too: while decoding, the solver carries them along with the rest.
 */
import type { Graph, Scope, Tensor } from "@uat/graph";
import { type Dim, mulDim, subDim, symbol } from "@uat/graph";
import {
  type FlowConfig,
  flowContext,
  flowEncoder,
  type TrainingOptions,
  velocity,
} from "universal-audio-tokenizer/internal";
import type { Objective } from "../engine/loss-program.ts";

/** What a training step of the flow is fed. */
export interface FlowInputs {
  /** int32 [batch, N] */
  readonly tokens: Tensor;
  /** float [2N−1] = N−1 … −(N−1) */
  readonly offsets: Tensor;
  /** int32 [T], the token each frame is stretched from. */
  readonly source: Tensor;
  /** int32 [N], the block of each token; for encoders with blocks only. */
  readonly blocks?: Tensor | undefined;
  /** [batch, speaker] */
  readonly embedding: Tensor;
  /** x₁ [batch, mels, T] */
  readonly mel: Tensor;
  /** z [batch, mels, T], standard normal. */
  readonly noise: Tensor;
  /** [batch] in [0, 1]. */
  readonly time: Tensor;
  /** [batch, 1, T]: 1 where the mel is given. */
  readonly prompt: Tensor;
  /** [batch]: 1, or 0 for items that are told nothing (classifier-free guidance, arXiv 2207.12598). */
  readonly told: Tensor;
}

/** Declares {@link FlowInputs} under their own names, of any batch, number of tokens and number of frames. */
export function flowInputs(graph: Graph, c: FlowConfig): FlowInputs {
  const [batch, n, frames] = [symbol("batch"), symbol("tokens"), symbol("frames")];
  const mels = c.output_size;
  const inBlocks = c.encoder.selfattention_layer_type === "block_rel_selfattn";
  return {
    tokens: graph.input("tokens", [batch, n], "int32"),
    offsets: graph.input("offsets", [subDim(mulDim(n, 2), 1)]),
    source: graph.input("source", [frames], "int32"),
    blocks: inBlocks ? graph.input("blocks", [n], "int32") : undefined,
    embedding: graph.input("embedding", [batch, c.spk_embed_dim]),
    mel: graph.input("mel", [batch, mels, frames]),
    noise: graph.input("noise", [batch, mels, frames]),
    time: graph.input("time", [batch]),
    prompt: graph.input("prompt", [batch, 1, frames]),
    told: graph.input("told", [batch]),
  };
}

/** A point of the path from noise to mel, and the velocity there; `time` [batch]. */
export function flowPath(mel: Tensor, noise: Tensor, time: Tensor, sigma: number): { point: Tensor; velocity: Tensor } {
  const t = time.reshape([time.dim(0), 1, 1]);
  const rest = t.mul(sigma - 1).add(1);
  return { point: noise.mul(rest).add(mel.mul(t)), velocity: mel.sub(noise.mul(1 - sigma)) };
}

export interface FlowLossOptions extends TrainingOptions {
  /** Weight of the flow-matching loss; 1 by default. With 0 the network of velocities is left out. */
  readonly flow?: number | undefined;
  /** Weight of the prior loss; 0 by default. */
  readonly prior?: number | undefined;
}

/**
 * `flow`: the flow-matching loss, mean over batch, bands and frames of the velocity's absolute or squared error.
 * With `prior_deviation` the path begins at μ with a little noise (PriorGrad, Lee et al., 2021, arXiv 2106.06406), so that
 * what the flow does not know yet is at least the mean.
 * `prior`: the mean squared error of what the encoder foretells, μ, as a mel itself (Grad-TTS, Popov et al., 2021, arXiv
 * 2105.06337, section 3.3): with it the network has little to add to μ, and learns in a fraction of the steps.
 */
export function flowLoss(inputs: FlowInputs, p: Scope, c: FlowConfig, options: FlowLossOptions = {}): Objective {
  const { mel, noise, time, prompt, told } = inputs;
  const { sigma_min, reg_loss_type, prior_deviation } = c.decoder.cfm_params;
  const { flow: flowWeight = 1, prior: priorWeight = 0 } = options;
  const { mu, spk } = flowEncoder(inputs, p, c, options);
  const distance = mu.sub(mel);
  const prior = distance.mul(distance).mean([0, 1, 2]);
  if (flowWeight === 0) return { loss: prior.mul(priorWeight), metrics: { prior } };
  const batch = mel.dim(0) as Dim;
  const context = flowContext(mu, spk, mel.mul(prompt)).mul(told.reshape([batch, 1, 1]));
  const start = prior_deviation === null ? noise : mu.detach().add(noise.mul(prior_deviation));
  const path = flowPath(mel, start, time, sigma_min);
  const error = velocity(path.point, time, context, p, c.decoder, options).sub(path.velocity);
  const flow = (reg_loss_type === "l1" ? error.abs() : error.mul(error)).mean([0, 1, 2]);
  const loss = flow.mul(flowWeight);
  return { loss: priorWeight > 0 ? loss.add(prior.mul(priorWeight)) : loss, metrics: { flow, prior } };
}
