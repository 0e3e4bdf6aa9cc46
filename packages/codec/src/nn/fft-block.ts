/**
 * Feed-forward transformer blocks of FastSpeech 2 (Ren et al., 2020, arXiv 2006.04558, section 2.2): self-attention, then
 * a convolution of some positions' width in place of the first feed-forward layer. The convolution is also what tells
 * positions apart.
 */
import type { Scope, Tensor } from "@uat/graph";
import { multiHead } from "./attention.ts";
import { conv1d } from "./convolution.ts";
import { linear } from "./linear.ts";
import { layerNorm } from "./norm.ts";
import type { TrainingOptions } from "./training-options.ts";

/** Sizes of the blocks, by their names in configurations. */
export interface FftBlocksConfig {
  readonly hidden_size: number;
  readonly num_blocks: number;
  readonly attention_heads: number;
  /** Channels and width of the convolution in each block. */
  readonly filter_size: number;
  readonly kernel_size: number;
  readonly dropout_rate: number;
}

/** A convolution over x [batch, time, in] → [batch, time, out], the length kept; `kernel` is odd. */
export const alongTime = (x: Tensor, p: Scope, out: number, kernel: number): Tensor =>
  conv1d(x.transpose(0, 2, 1), p, out, { kernel, padding: (kernel - 1) / 2 }).transpose(0, 2, 1);

export interface FftBlocksOptions extends TrainingOptions {
  /** Added to attention's scores: see paddingBias. */
  readonly bias?: Tensor | undefined;
  /** Zeroes padding, which convolutions would see. */
  readonly kept?: ((x: Tensor) => Tensor) | undefined;
}

/** x [batch, time, hidden_size] → the same shape. */
export function fftBlocks(
  x: Tensor,
  p: Scope,
  c: FftBlocksConfig,
  { bias, kept = (y) => y, dropout = (y) => y, layer = (body) => body() }: FftBlocksOptions = {},
): Tensor {
  const drop = (y: Tensor) => dropout(y, c.dropout_rate);
  for (let i = 0; i < c.num_blocks; i++) {
    const block = p.at("blocks", i);
    const input = x;
    x = layer(() => {
      const normed = layerNorm(input, block.at("attention_norm"));
      const attended = input.add(drop(multiHead(normed, block.at("attention"), c.attention_heads, bias)));
      const seen = kept(layerNorm(attended, block.at("filter_norm")));
      const filtered = alongTime(seen, block.at("filter"), c.filter_size, c.kernel_size).gelu();
      return kept(attended.add(drop(linear(filtered, block.at("projection"), c.hidden_size))));
    });
  }
  return x;
}
