/**
 * What follows the quantiser of a vector-quantised Whisper encoder (whisper-vq.ts), begun at its codes: from here on a
 * clip is only its tokens, wherever they came from.
 */
import { type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { layerNorm } from "../nn/norm.ts";
import { blockCausalBias, encoderLayer } from "./whisper-encoder.ts";
import type { WhisperVqConfig } from "./whisper-vq.ts";

/** Codes that the position table after the quantiser has rows for: those of the longest piece. */
export const longestCodes = (c: WhisperVqConfig): number =>
  Math.ceil(c.max_source_positions / (c.pooling_kernel_size ?? 1));

/**
 * Input `codes` int64 [batch, tokens], none of them padding → the encoder's last states [batch, tokens, d_model], as
 * `encoder_out` of whisperVq at real tokens. `p` is the encoder's scope.
 */
export function codesEncoder(graph: Graph, p: Scope, c: WhisperVqConfig): Tensor {
  const tokens = symbol("tokens");
  const codes = graph.input("codes", [symbol("batch"), tokens], "int64");
  const codebook = p.at("codebook").tensor("weight", [c.quantize_vocab_size as number, c.d_model]);
  const positions = p.at("embed_positions2").tensor("weight", [longestCodes(c), c.d_model]);
  let x = codebook.gather(codes).add(positions.slice(0, 0, tokens));
  if (c.quantize_encoder_only) return x;
  const block = c.encoder_causal_attention
    ? 1
    : c.quantize_causal_block_size === null
      ? undefined
      : Math.max(1, Math.floor(c.quantize_causal_block_size / (c.pooling_kernel_size ?? 1)));
  const bias = block === undefined ? undefined : blockCausalBias(graph, tokens, longestCodes(c), block);
  for (let n = c.quantize_position + 1; n <= c.encoder_layers; n++)
    x = encoderLayer(x, p.at("layers", n - 1), { heads: c.encoder_attention_heads, ffn: c.encoder_ffn_dim, bias });
  return layerNorm(x, p.at("layer_norm"));
}
