/**
 * The tokeniser network of UniAudio-Token and of the GLM-4-Voice family: a Whisper encoder with pooling, an optional
 * gated residual (SAE) and a vector-quantised bottleneck. After layer n, in this order: pooling (of a residual that is on
 * its way as well), residual source, residual target, quantiser.
 */
import { type Graph, mulDim, type Scope, symbol, type Tensor } from "@uat/graph";
import { layerNorm } from "../nn/norm.ts";
import { equilibrium } from "./equilibrium.ts";
import { quantize, standardize } from "./quantizer.ts";
import { blockCausalBias, convolutionFrontEnd, encoderLayer, paddingBias, strideMask } from "./whisper-encoder.ts";

/** The fields of tokenizer/config.json that shape the network, by their names there. */
export interface WhisperVqConfig {
  readonly d_model: number;
  readonly encoder_attention_heads: number;
  readonly encoder_ffn_dim: number;
  readonly encoder_layers: number;
  readonly num_mel_bins: number;
  readonly max_source_positions: number;
  readonly pooling_kernel_size: number | null;
  readonly pooling_type: "max" | "avg";
  readonly pooling_position: number;
  readonly quantize_vocab_size: number | null;
  readonly quantize_position: number;
  readonly quantize_encoder_only: boolean;
  readonly quantize_causal_encoder: boolean;
  readonly quantize_causal_block_size: number | null;
  readonly encoder_causal_attention: boolean;
  readonly encoder_causal_convolution: boolean;
  readonly encoder_residual_source_position: number | null;
  readonly encoder_residual_target_position: number | null;
  readonly use_residual_adapter: boolean;
  readonly use_residual_gate: boolean;
  readonly quantize_normalization?: "zscore" | null | undefined;
  readonly modules_to_not_convert?: readonly string[] | undefined;
}

/** Non-overlapping windows of `size` frames: x [batch, time, d] → [batch, time / size, d]. Padded frames take part. */
function pool(x: Tensor, size: number, type: "max" | "avg"): Tensor {
  if (size === 1) return x;
  const [batch, , d] = x.shape as [Tensor["shape"][number], unknown, number];
  const windows = x.reshape([batch, -1, size, d]);
  return type === "avg" ? windows.mean(2) : windows.max(2);
}

export interface WhisperVqOptions {
  /** "codes" stops at the quantiser and asks the checkpoint for nothing beyond it. */
  readonly depth?: "codes" | "hidden" | undefined;
  /** What goes on after the quantiser, given what was searched and its nearest codes; the codes by default. */
  readonly bottleneck?: ((searched: Tensor, quantized: Tensor) => Tensor) | undefined;
  /** Applied after each half of a layer and, with `adapter`, inside the SAE adapter, in training. */
  readonly dropout?: ((x: Tensor, place: "layer" | "adapter") => Tensor) | undefined;
  /** Makes one layer; training may want it computed twice to save memory. */
  readonly layer?: ((body: () => Tensor) => Tensor) | undefined;
  /** Starts from the output of layer `from` (pooled, if the pooling lies there) instead of from features. */
  readonly from?: number | undefined;
}

/**
 * Inputs: `input_features` [batch, mels, 2k·tokens], `attention_mask` int32 [batch, 2k·tokens], k the pooling kernel.
 * With `from`, `hidden` [batch, positions, d] takes the place of the features and `low` that of an earlier residual
 * source. Returns every named value on the way (`post_conv_pos`, `post_pool`, `layerN_out`, `stateN` (what layer N + 1 is given, after pooling and residual), `adapter`, `gate`, `fused`,
 * `vq_in`, `searched`, `quantized`, `codes`, `distances`, `token_mask` int32 [batch, tokens], `encoder_out`); emission
 * drops what the chosen outputs do not need.
 */
export function whisperVq(
  graph: Graph,
  p: Scope,
  c: WhisperVqConfig,
  options: WhisperVqOptions = {},
): Record<string, Tensor> {
  const {
    depth = "codes",
    bottleneck = (_, quantized) => quantized,
    dropout,
    layer = (body) => body(),
    from,
  } = options;
  const kernel = c.pooling_kernel_size ?? 1;
  const frames = mulDim(symbol("tokens"), 2 * kernel);
  const mask = graph.input("attention_mask", [symbol("batch"), frames], "int32");
  const pooledBefore = (n: number) => c.pooling_kernel_size !== null && c.pooling_position <= n;

  const taps: Record<string, Tensor> = {};
  let x: Tensor;
  let low: Tensor | undefined;
  let pooled = from !== undefined && pooledBefore(from);
  const positionsAt = (isPooled: boolean) => mulDim(symbol("tokens"), isPooled ? 1 : kernel);
  if (from === undefined) {
    const features = graph.input("input_features", [symbol("batch"), c.num_mel_bins, frames]);
    x = convolutionFrontEnd(features, p, c.d_model, c.max_source_positions, c.encoder_causal_convolution);
    taps.post_conv_pos = x;
  } else {
    x = graph.input("hidden", [symbol("batch"), positionsAt(pooled), c.d_model]);
    const source = c.encoder_residual_source_position;
    const target = c.encoder_residual_target_position;
    if (source === from) low = x;
    if (source !== null && target !== null && source < from && target > from)
      low = graph.input("low", [symbol("batch"), positionsAt(pooled), c.d_model]);
  }
  taps.token_mask = strideMask(mask, 2 * kernel, symbol("tokens"));
  const last = depth === "codes" || c.quantize_encoder_only ? c.quantize_position : c.encoder_layers;

  /** Scores' bias for layer n: strict causality wins over blocks and ignores padding. */
  const biases = new Map<string, Tensor>();
  const biasOf = (n: number): Tensor => {
    const strict = c.encoder_causal_attention || (c.quantize_causal_encoder && n <= c.quantize_position);
    const block = c.quantize_causal_block_size;
    const key = `${pooled} ${strict}`;
    const known = biases.get(key);
    if (known) return known;
    const time = x.dim(1);
    const padding = paddingBias(strideMask(mask, pooled ? 2 * kernel : 2, time));
    const size = block === null ? null : Math.max(1, Math.floor(block / (pooled ? kernel : 1)));
    const bias = strict
      ? blockCausalBias(graph, time, c.max_source_positions, 1)
      : size === null
        ? padding
        : blockCausalBias(graph, time, c.max_source_positions, size, padding);
    biases.set(key, bias);
    return bias;
  };

  const afterLayer = (n: number): void => {
    if (c.pooling_kernel_size !== null && c.pooling_position === n) {
      x = pool(x, kernel, c.pooling_type);
      if (low) low = pool(low, kernel, c.pooling_type);
      pooled = true;
      taps.post_pool = x;
    }
    if (c.encoder_residual_source_position === n) low = x;
    if (low) taps[`low${n}`] = low;
    if (c.encoder_residual_target_position === n && low) {
      const sae = equilibrium(x, low, p, {
        adapter: c.use_residual_adapter,
        gate: c.use_residual_gate,
        dropout: dropout && ((y) => dropout(y, "adapter")),
      });
      x = sae.fused;
      Object.assign(taps, { adapter: sae.adapter, fused: sae.fused }, sae.gate && { gate: sae.gate });
    }
    if (c.quantize_vocab_size !== null && c.quantize_position === n) {
      taps.vq_in = x;
      const searched = c.quantize_normalization === "zscore" ? standardize(x, p) : x;
      const { codes, distances, quantized } = quantize(searched, p, c.quantize_vocab_size);
      Object.assign(taps, { searched, quantized, codes, distances });
      if (depth === "hidden") {
        const rows = Math.ceil(c.max_source_positions / kernel);
        const positions = p.at("embed_positions2").tensor("weight", [rows, c.d_model]);
        x = bottleneck(searched, quantized).add(positions.slice(0, 0, quantized.dim(1)));
      }
    }
  };

  if (from === undefined) {
    afterLayer(0);
    taps.state0 = x;
  }
  for (let n = (from ?? 0) + 1; n <= last; n++) {
    const bias = biasOf(n);
    const input = x;
    x = layer(() =>
      encoderLayer(input, p.at("layers", n - 1), {
        heads: c.encoder_attention_heads,
        ffn: c.encoder_ffn_dim,
        bias,
        dropout: dropout && ((y) => dropout(y, "layer")),
      }),
    );
    taps[`layer${n}_out`] = x;
    afterLayer(n);
    taps[`state${n}`] = x;
  }
  if (depth === "hidden")
    taps.encoder_out = last === c.encoder_layers && !c.quantize_encoder_only ? layerNorm(x, p.at("layer_norm")) : x;
  return taps;
}
