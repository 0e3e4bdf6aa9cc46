/**
 * The Whisper encoder (Radford et al., 2022): two convolutions over log-mel frames, learned-table positions, pre-norm
 * transformer layers.
 */
import { type Dim, type Graph, type Scope, sameDim, type Tensor } from "@uat/graph";
import { attention } from "../nn/attention.ts";
import { conv1d } from "../nn/convolution.ts";
import { linear } from "../nn/linear.ts";
import { layerNorm } from "../nn/norm.ts";

/** What a forbidden position adds to an attention score: the most negative float32. */
const FORBIDDEN = -3.4028234663852886e38;

/** Log-mel [batch, mels, 2·time] → [batch, time, d]: both convolutions, then the position table. */
export function convolutionFrontEnd(features: Tensor, p: Scope, d: number, positions: number, causal: boolean): Tensor {
  const padding = causal ? ([2, 0] as const) : 1;
  const x = conv1d(features, p.at("conv1"), d, { kernel: 3, padding }).gelu();
  const y = conv1d(x, p.at("conv2"), d, { kernel: 3, stride: 2, padding }).gelu().transpose(0, 2, 1);
  return y.add(p.at("embed_positions").tensor("weight", [positions, d]).slice(0, 0, y.dim(1)));
}

/** x [batch, time, d] asks memory [batch, keys, d] (itself by default) → [batch, time, d]; the key projection has no bias. */
export function multiHeadAttention(x: Tensor, p: Scope, heads: number, bias?: Tensor, memory = x): Tensor {
  const d = x.dim(-1) as number;
  const q = linear(x, p.at("q_proj"), d);
  const k = linear(memory, p.at("k_proj"), d, { bias: false });
  const v = linear(memory, p.at("v_proj"), d);
  return linear(attention(q, k, v, heads, bias), p.at("out_proj"), d);
}

/** One pre-norm layer: x [batch, time, d] → [batch, time, d]. */
export function encoderLayer(
  x: Tensor,
  p: Scope,
  options: {
    heads: number;
    ffn: number;
    bias?: Tensor | undefined;
    /** Applied to what each half adds, in training. */
    dropout?: ((x: Tensor) => Tensor) | undefined;
  },
): Tensor {
  const { heads, ffn, bias, dropout = (y) => y } = options;
  const attended = x.add(
    dropout(multiHeadAttention(layerNorm(x, p.at("self_attn_layer_norm")), p.at("self_attn"), heads, bias)),
  );
  const hidden = linear(layerNorm(attended, p.at("final_layer_norm")), p.at("fc1"), ffn).gelu();
  return attended.add(dropout(linear(hidden, p.at("fc2"), x.dim(-1) as number)));
}

/** Every `step`-th value of a mask [batch, time] → [batch, time / step]. */
export function strideMask(mask: Tensor, step: number, time: Dim): Tensor {
  if (step === 1 || sameDim(mask.dim(1), time)) return mask;
  return mask
    .reshape([mask.dim(0), time, step])
    .slice(2, 0, 1)
    .reshape([mask.dim(0), time]);
}

/** 0 where a key may be seen, else the most negative float32: mask [batch, time] of 0 and 1 → [batch, 1, time]. */
export function paddingBias(mask: Tensor): Tensor {
  const row = mask.reshape([mask.dim(0), 1, mask.dim(1)]);
  return row.less(mask.graph.constant(Int32Array.of(1))).where(FORBIDDEN, 0);
}

/**
 * Queries see the keys of their own block of `block` positions and of all earlier blocks; block 1 is strictly causal.
 * `padding` (of paddingBias) is kept where given. → [1 or batch, time, time]
 */
export function blockCausalBias(graph: Graph, time: Dim, positions: number, block: number, padding?: Tensor): Tensor {
  const blocks = graph
    .constant(
      Int32Array.from({ length: positions }, (_, i) => Math.floor(i / block)),
      [positions],
    )
    .slice(0, 0, time);
  const later = blocks.reshape([time, 1]).less(blocks.reshape([1, time]));
  return later.reshape([1, time, time]).where(FORBIDDEN, padding ?? 0);
}
