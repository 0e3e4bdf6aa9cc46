/**
 * The token encoder of the flow decoder: a conformer stack (Gulati et al., 2020, arXiv 2005.08100) without convolution
 * and macaron modules, that is pre-norm relative attention and feed-forward layers.
 */
import type { Scope, Tensor } from "@uat/graph";
import { silu } from "../nn/activation.ts";
import { linear } from "../nn/linear.ts";
import { layerNorm } from "../nn/norm.ts";
import { relativeAttention, relativePositions } from "../nn/relative-attention.ts";
import type { TrainingOptions } from "../nn/training-options.ts";

/** The fields of `flow.encoder` in config.yaml that shape the network, by their names there. */
export interface ConformerConfig {
  readonly output_size: number;
  readonly attention_heads: number;
  readonly linear_units: number;
  readonly num_blocks: number;
  /** In the plain variant every token sees all others; in the block variant none of later blocks. */
  readonly selfattention_layer_type: "rel_selfattn" | "block_rel_selfattn";
  /** Shares of values dropped in training. */
  readonly dropout_rate: number;
  readonly positional_dropout_rate: number;
  readonly attention_dropout_rate: number;
}

/** What a forbidden key adds to a score; far from overflow, and its exponential is exactly 0. */
const FORBIDDEN = -1e30;

/**
 * Query i sees key j when j ≤ i or both lie in one block, which is: unless block(j) > block(i).
 * blocks int32 [N], the block of each token → [1, 1, N, N], 0 where allowed.
 */
export function blockBias(blocks: Tensor): Tensor {
  const n = blocks.dim(0);
  return blocks
    .reshape([n, 1])
    .less(blocks.reshape([1, n]))
    .reshape([1, 1, n, n])
    .where(FORBIDDEN, 0);
}

/**
 * x [batch, N, in], offsets float [2N−1] = N−1 … −(N−1), blocks int32 [N] in the block variant → [batch, N, d].
 * Also returns the values on the way that the fixtures know.
 */
export function conformer(
  x: Tensor,
  offsets: Tensor,
  p: Scope,
  c: ConformerConfig,
  blocks?: Tensor,
  { dropout = (y) => y, layer: made = (body) => body() }: TrainingOptions = {},
): { output: Tensor; embedded: Tensor; positions: Tensor } {
  const d = c.output_size;
  const input = p.at("embed", "out");
  const embedded = layerNorm(linear(x, input.at(0), d), input.at(1)).mul(Math.sqrt(d));
  const positions = relativePositions(offsets, d);
  const bias = blocks && blockBias(blocks);
  const table = dropout(positions, c.positional_dropout_rate);
  let h = dropout(embedded, c.positional_dropout_rate);
  for (let i = 0; i < c.num_blocks; i++) {
    const layer = p.at("encoders", i);
    const input = h;
    h = made(() => {
      const drop = (x: Tensor) => dropout(x, c.dropout_rate);
      const normed = layerNorm(input, layer.at("norm_mha"));
      const attended = relativeAttention(normed, table, layer.at("self_attn"), c.attention_heads, bias, (weights) =>
        dropout(weights, c.attention_dropout_rate),
      );
      const x = input.add(drop(attended));
      const ff = layer.at("feed_forward");
      const hidden = silu(linear(layerNorm(x, layer.at("norm_ff")), ff.at("w_1"), c.linear_units));
      return x.add(drop(linear(drop(hidden), ff.at("w_2"), d)));
    });
  }
  return { output: layerNorm(h, p.at("after_norm")), embedded, positions };
}
