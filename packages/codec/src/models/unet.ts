/**
 * The velocity network of the flow: a one-dimensional U-Net over mel frames with a transformer at every level
 * (Matcha-TTS, Mehta et al., 2023, arXiv 2309.03199).
 *
 * Down levels halve the time axis (rounding up), up levels double it again and cut it to the length of the level they
 * mirror, so any number of frames will do.
 */
import type { Scope, Tensor } from "@uat/graph";
import { mish, silu } from "../nn/activation.ts";
import { attention } from "../nn/attention.ts";
import { conv1d, convTranspose1d } from "../nn/convolution.ts";
import { linear } from "../nn/linear.ts";
import { groupNorm, layerNorm } from "../nn/norm.ts";
import type { TrainingOptions } from "../nn/training-options.ts";

/** The fields of `flow.decoder.estimator` in config.yaml, by their names there. */
export interface UnetConfig {
  /** Width of the network's input, x, mu, speaker and condition side by side; also of the time embedding. */
  readonly in_channels: number;
  readonly out_channels: number;
  /** Width of each level. */
  readonly channels: readonly number[];
  readonly attention_head_dim: number;
  readonly n_blocks: number;
  readonly num_mid_blocks: number;
  readonly num_heads: number;
  /** Share of values dropped in training, after attention and within the feed-forward layers. */
  readonly dropout: number;
}

const GROUPS = 8;
/** Times in [0, 1] are stretched by this before the sines. */
const TIME_SCALE = 1000;

/** Sines then cosines of 1000·t·10000^(−i/(half−1)): t [batch] → [batch, size]. */
export function timeEmbedding(t: Tensor, size: number): Tensor {
  const half = size / 2;
  const step = Math.fround(Math.log(10000) / (half - 1));
  const rates = Float32Array.from({ length: half }, (_, i) => Math.exp(Math.fround(-i * step)));
  const angles = t
    .reshape([t.dim(0), 1])
    .mul(TIME_SCALE)
    .mul(t.graph.constant(rates, [1, half]));
  return angles.sin().concat(1, angles.cos());
}

/** Convolution, group norm, Mish: x [batch, in, T] → [batch, out, T]. */
const block = (x: Tensor, p: Scope, out: number): Tensor =>
  mish(groupNorm(conv1d(x, p.at("block", 0), out, { kernel: 3, padding: 1 }), p.at("block", 1), GROUPS));

/** Two blocks with the time added between them, and a pointwise shortcut. `time` is Mish of the time features, [1, width] or one an item. */
function residual(x: Tensor, time: Tensor, p: Scope, out: number): Tensor {
  const shift = linear(time, p.at("mlp", 1), out).reshape([time.dim(0), out, 1]);
  const h = block(block(x, p.at("block1"), out).add(shift), p.at("block2"), out);
  return h.add(conv1d(x, p.at("res_conv"), out, { kernel: 1 }));
}

/** Pre-norm self-attention over all frames and a feed-forward layer: x [batch, T, width] → the same. */
function transformer(x: Tensor, p: Scope, c: UnetConfig, { dropout = (y) => y }: TrainingOptions): Tensor {
  const drop = (y: Tensor) => dropout(y, c.dropout);
  const width = x.dim(-1) as number;
  const inner = c.num_heads * c.attention_head_dim;
  const attend = p.at("attn1");
  const normed = layerNorm(x, p.at("norm1"));
  const project = (name: string) => linear(normed, attend.at(name), inner, { bias: false });
  const attended = attention(project("to_q"), project("to_k"), project("to_v"), c.num_heads);
  const y = x.add(drop(linear(attended, attend.at("to_out", 0), width)));
  const feed = p.at("ff", "net");
  const hidden = linear(layerNorm(y, p.at("norm3")), feed.at(0, "proj"), 4 * width).gelu();
  return y.add(linear(drop(hidden), feed.at(2), width));
}

/** One level: the residual block, then the transformers over [batch, T, width]. */
function level(x: Tensor, time: Tensor, p: Scope, out: number, c: UnetConfig, options: TrainingOptions): Tensor {
  const { layer = (body) => body() } = options;
  let h = layer(() => residual(x, time, p.at(0), out)).transpose(0, 2, 1);
  for (let i = 0; i < c.n_blocks; i++) {
    const input = h;
    h = layer(() => transformer(input, p.at(1, i), c, options));
  }
  return h.transpose(0, 2, 1);
}

/** x [batch, in_channels, T] at times t [1] or [batch] → velocity [batch, out_channels, T]. */
export function unet(x: Tensor, t: Tensor, p: Scope, c: UnetConfig, options: TrainingOptions = {}): Tensor {
  const first = c.channels[0] as number;
  const mlp = p.at("time_mlp");
  const features = linear(timeEmbedding(t, c.in_channels), mlp.at("linear_1"), 4 * first);
  const time = mish(linear(silu(features), mlp.at("linear_2"), 4 * first));

  let h = x;
  const skips: Tensor[] = [];
  for (const [i, width] of c.channels.entries()) {
    const down = p.at("down_blocks", i);
    h = level(h, time, down, width, c, options);
    skips.push(h);
    h =
      i < c.channels.length - 1
        ? conv1d(h, down.at(2, "conv"), width, { kernel: 3, stride: 2, padding: 1 })
        : conv1d(h, down.at(2), width, { kernel: 3, padding: 1 });
  }
  const middle = c.channels.at(-1) as number;
  for (let i = 0; i < c.num_mid_blocks; i++) h = level(h, time, p.at("mid_blocks", i), middle, c, options);
  for (const [i, skip] of [...skips].reverse().entries()) {
    const up = p.at("up_blocks", i);
    const last = i === c.channels.length - 1;
    const width = last ? first : (c.channels.at(-2 - i) as number);
    h = level(h.slice(2, 0, skip.dim(2)).concat(1, skip), time, up, width, c, options);
    h = last
      ? conv1d(h, up.at(2), width, { kernel: 3, padding: 1 })
      : convTranspose1d(h, up.at(2, "conv"), width, { kernel: 4, stride: 2, padding: 1 });
  }
  return conv1d(block(h, p.at("final_block"), first), p.at("final_proj"), c.out_channels, { kernel: 1 });
}
