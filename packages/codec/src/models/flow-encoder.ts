/** Tokens and speaker → what the flow is conditioned on: the mean mel `mu` and the speaker's projection. */
import { type Graph, mulDim, type Scope, subDim, symbol, type Tensor } from "@uat/graph";
import { linear } from "../nn/linear.ts";
import type { TrainingOptions } from "../nn/training-options.ts";
import { type ConformerConfig, conformer } from "./conformer.ts";
import { lengthRegulator } from "./length-regulator.ts";

/** The fields of `flow` in config.yaml that shape this network, by their names there. */
export interface FlowEncoderConfig {
  readonly vocab_size: number;
  readonly input_size: number;
  /** Mel bins. */
  readonly output_size: number;
  readonly spk_embed_dim: number;
  readonly encoder: ConformerConfig;
  readonly length_regulator: { readonly sampling_ratios: readonly number[] };
}

/** Norms below this count as this, so that the zero vector stays zero. */
const SMALLEST_NORM = 1e-12;

/** What a flow encoder is told. All items of a batch are equally long. */
export interface FlowEncoderInputs {
  /** int32 [batch, N] */
  readonly tokens: Tensor;
  /** float [2N−1] = N−1 … −(N−1) */
  readonly offsets: Tensor;
  /** int32 [T], the token each frame is stretched from. */
  readonly source: Tensor;
  /** int32 [N], the block of each token; in the block variant only. */
  readonly blocks?: Tensor | undefined;
  /** [batch, speaker], x-vectors; zeros for none. */
  readonly embedding: Tensor;
}

/** What {@link flowEncoder} computes: `mu` [batch, mels, T], `spk` [batch, mels] and the values on the way. */
export type FlowEncoderValues = Record<string, Tensor> & { readonly mu: Tensor; readonly spk: Tensor };

/** Emission drops what no chosen output needs. */
export function flowEncoder(
  inputs: FlowEncoderInputs,
  p: Scope,
  c: FlowEncoderConfig,
  options: TrainingOptions = {},
): FlowEncoderValues {
  const { tokens, offsets, source, blocks, embedding } = inputs;
  const norm = embedding.sumSquares(1, true).sqrt().clamp(SMALLEST_NORM);
  const spk = linear(embedding.div(norm), p.at("spk_embed_affine_layer"), c.output_size);

  const table = p.at("input_embedding").tensor("weight", [c.vocab_size, c.input_size]);
  const encoded = conformer(table.gather(tokens), offsets, p.at("encoder"), c.encoder, blocks, options);
  const projected = linear(encoded.output, p.at("encoder_proj"), c.output_size);
  const mu = lengthRegulator(projected, source, p.at("length_regulator"), c.length_regulator.sampling_ratios.length);
  return {
    mu,
    spk,
    embed_out: encoded.embedded,
    pos_emb: encoded.positions,
    encoder_out: encoded.output,
    encoder_proj_out: projected,
  };
}

/**
 * For decoding: inputs `tokens` [N], `offsets`, `source`, `blocks` (block variant only) and `embedding` [1, speaker]
 * as in {@link FlowEncoderInputs}; returns the values of {@link flowEncoder}.
 */
export function flowEncoderGraph(graph: Graph, p: Scope, c: FlowEncoderConfig): FlowEncoderValues {
  const n = symbol("tokens");
  const tokens = graph.input("tokens", [n], "int32");
  const offsets = graph.input("offsets", [subDim(mulDim(n, 2), 1)]);
  const source = graph.input("source", [symbol("frames")], "int32");
  const blocks =
    c.encoder.selfattention_layer_type === "rel_selfattn" ? undefined : graph.input("blocks", [n], "int32");
  const embedding = graph.input("embedding", [1, c.spk_embed_dim]);
  return flowEncoder({ tokens: tokens.reshape([1, n]), offsets, source, blocks, embedding }, p, c);
}
