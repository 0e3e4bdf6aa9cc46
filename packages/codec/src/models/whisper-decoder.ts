/**
 * The whole of Whisper (Radford et al., 2022, arXiv 2212.04356) in the two programs that transcription runs: the
 * encoder with the keys and values of the decoder's cross-attention, once a clip; the decoder, once a step, with the
 * keys and values of its self-attention handed from step to step. Parameter names are those of Hugging Face's WhisperModel.
 */
import { addDim, type Dim, type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { joinHeads, splitHeads } from "../nn/attention.ts";
import { linear } from "../nn/linear.ts";
import { layerNorm } from "../nn/norm.ts";
import { convolutionFrontEnd, encoderLayer } from "./whisper-encoder.ts";

/** The fields of config.json that shape the network, by their names there. */
export interface WhisperConfig {
  readonly d_model: number;
  readonly encoder_layers: number;
  readonly encoder_attention_heads: number;
  readonly encoder_ffn_dim: number;
  readonly decoder_layers: number;
  readonly decoder_attention_heads: number;
  readonly decoder_ffn_dim: number;
  readonly num_mel_bins: number;
  readonly max_source_positions: number;
  readonly max_target_positions: number;
  readonly vocab_size: number;
}

/** What a forbidden position adds to an attention score: the most negative float32. */
const FORBIDDEN = -3.4028234663852886e38;

/** Input `input_features` [batch, mels, 2·max_source_positions] → final hidden states [batch, positions, d_model]. */
export function whisperEncoder(graph: Graph, p: Scope, c: WhisperConfig): Tensor {
  const features = graph.input("input_features", [symbol("batch"), c.num_mel_bins, 2 * c.max_source_positions]);
  let x = convolutionFrontEnd(features, p, c.d_model, c.max_source_positions, false);
  for (let n = 0; n < c.encoder_layers; n++)
    x = encoderLayer(x, p.at("layers", n), { heads: c.encoder_attention_heads, ffn: c.encoder_ffn_dim });
  return layerNorm(x, p.at("layer_norm"));
}

/**
 * What each decoder layer attends to in the audio, for encoder states [batch, source, d_model]: `cross_key.N`
 * [batch, heads, size, source] (already transposed for the product with queries), `cross_value.N`
 * [batch, heads, source, size].
 */
export function crossAttentionCache(hidden: Tensor, p: Scope, c: WhisperConfig): Record<string, Tensor> {
  const cache: Record<string, Tensor> = {};
  for (let n = 0; n < c.decoder_layers; n++) {
    const layer = p.at("layers", n, "encoder_attn");
    const keys = linear(hidden, layer.at("k_proj"), c.d_model, { bias: false });
    cache[`cross_key.${n}`] = splitHeads(keys, c.decoder_attention_heads).transpose(0, 1, 3, 2);
    cache[`cross_value.${n}`] = splitHeads(linear(hidden, layer.at("v_proj"), c.d_model), c.decoder_attention_heads);
  }
  return cache;
}

export interface DecoderOptions {
  /** Logits of every position instead of the last one only. */
  readonly everyPosition?: boolean | undefined;
  /** Adds the input `encoder_attention_mask` int32 [batch, source]: 0 hides a source position. */
  readonly sourceMask?: boolean | undefined;
}

/**
 * One step over `time` new tokens after `past` earlier ones.
 *
 * Inputs: `input_ids` int64 [batch, time]; `past_key.N`, `past_value.N` [batch, heads, past, size], past 0 at first;
 * the outputs of crossAttentionCache. Outputs: `logits` [batch, 1 or time, vocab] by the tied embedding; `key.N`,
 * `value.N` [batch, heads, past + time, size], the next step's past. past + time may not pass max_target_positions.
 */
export function whisperDecoder(
  graph: Graph,
  p: Scope,
  c: WhisperConfig,
  { everyPosition = false, sourceMask = false }: DecoderOptions = {},
): Record<string, Tensor> {
  const heads = c.decoder_attention_heads;
  const size = c.d_model / heads;
  const [batch, time, past, source] = [symbol("batch"), symbol("time"), symbol("past"), symbol("source")];
  const total = addDim(past, time);
  const outputs: Record<string, Tensor> = {};

  const ids = graph.input("input_ids", [batch, time], "int64");
  const embedding = p.at("embed_tokens").tensor("weight", [c.vocab_size, c.d_model]);
  const positions = p.at("embed_positions").tensor("weight", [c.max_target_positions, c.d_model]);
  let x = embedding.gather(ids).add(positions.slice(0, past, total));
  const causal = causalBias(graph, past, total, c.max_target_positions);
  const hidden = sourceMask
    ? graph
        .input("encoder_attention_mask", [batch, source], "int32")
        .reshape([batch, 1, 1, source])
        .less(graph.constant(Int32Array.of(1)))
        .where(FORBIDDEN, 0)
    : undefined;

  for (let n = 0; n < c.decoder_layers; n++) {
    x = decoderLayer(x, p.at("layers", n), c, {
      own(y, own) {
        const keys = graph
          .input(`past_key.${n}`, [batch, heads, past, size])
          .concat(2, splitHeads(linear(y, own.at("k_proj"), c.d_model, { bias: false }), heads));
        const values = graph
          .input(`past_value.${n}`, [batch, heads, past, size])
          .concat(2, splitHeads(linear(y, own.at("v_proj"), c.d_model), heads));
        outputs[`key.${n}`] = keys;
        outputs[`value.${n}`] = values;
        return attend(y, own, heads, keys.transpose(0, 1, 3, 2), values, causal);
      },
      cross(z, cross) {
        const keys = graph.input(`cross_key.${n}`, [batch, heads, size, source]);
        return attend(z, cross, heads, keys, graph.input(`cross_value.${n}`, [batch, heads, source, size]), hidden);
      },
    });
  }
  const last = everyPosition ? x : x.gather(graph.constant(BigInt64Array.of(-1n), [1]), 1);
  return { logits: layerNorm(last, p.at("layer_norm")).linear(embedding), ...outputs };
}

/** The two attentions of a decoder layer, given normed states [batch, time, d] and their scope → [batch, time, d]. */
export interface DecoderAttention {
  own(states: Tensor, p: Scope): Tensor;
  cross(states: Tensor, p: Scope): Tensor;
}

/** One pre-norm layer: x [batch, time, d] → [batch, time, d]. */
export function decoderLayer(
  x: Tensor,
  p: Scope,
  c: Pick<WhisperConfig, "decoder_ffn_dim">,
  attention: DecoderAttention,
  dropout: (x: Tensor) => Tensor = (y) => y,
): Tensor {
  const own = x.add(dropout(attention.own(layerNorm(x, p.at("self_attn_layer_norm")), p.at("self_attn"))));
  const both = own.add(dropout(attention.cross(layerNorm(own, p.at("encoder_attn_layer_norm")), p.at("encoder_attn"))));
  const wide = linear(layerNorm(both, p.at("final_layer_norm")), p.at("fc1"), c.decoder_ffn_dim).gelu();
  return both.add(dropout(linear(wide, p.at("fc2"), x.dim(-1) as number)));
}

/** x [batch, time, d] asks keys [batch, heads, size, n] and values [batch, heads, n, size] → [batch, time, d]. */
function attend(x: Tensor, p: Scope, heads: number, keys: Tensor, values: Tensor, bias: Tensor | undefined): Tensor {
  const d = x.dim(-1) as number;
  const queries = splitHeads(linear(x, p.at("q_proj"), d), heads).mul(1 / Math.sqrt(d / heads));
  const scores = queries.matmul(keys);
  return linear(joinHeads((bias ? scores.add(bias) : scores).softmax(-1).matmul(values)), p.at("out_proj"), d);
}

/** [1, 1, total − past, total]: a query at position past + i sees positions up to its own. */
function causalBias(graph: Graph, past: Dim, total: Dim, limit: number): Tensor {
  const all = graph.constant(
    Int32Array.from({ length: limit }, (_, i) => i),
    [limit],
  );
  const queries = all.slice(0, past, total).unsqueeze(1);
  const keys = all.slice(0, 0, total).unsqueeze(0);
  return queries.less(keys).where(FORBIDDEN, 0).unsqueeze(0).unsqueeze(0);
}
