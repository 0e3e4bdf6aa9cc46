/**
 * The Whisper decoder (Radford et al., 2022, arXiv 2212.04356) over whole target texts at once: every position is told
 * the true tokens before it. The parameters are those of the step-by-step decoder in @uat/evaluation.
 */

import { decoderLayer, type WhisperConfig } from "@uat/evaluation";
import type { Scope, Tensor } from "@uat/graph";
import { blockCausalBias, layerNorm, multiHeadAttention } from "universal-audio-tokenizer/internal";

export interface TeacherForcingOptions {
  /** Added to the scores of cross-attention, [batch, 1, source]. */
  readonly sourceBias?: Tensor | undefined;
  readonly dropout?: ((x: Tensor) => Tensor) | undefined;
  /** Makes one layer; training may want it computed twice to save memory. */
  readonly layer?: ((body: () => Tensor) => Tensor) | undefined;
}

/**
 * hidden [batch, source, d], ids int32 [batch, length] (start token first), p the scope of the decoder
 * → normed states [batch, length, d] and the token embedding [vocab, d], which also is the output layer.
 */
export function teacherForcing(
  hidden: Tensor,
  ids: Tensor,
  p: Scope,
  c: WhisperConfig,
  { sourceBias, dropout = (x) => x, layer = (body) => body() }: TeacherForcingOptions = {},
): { states: Tensor; embedding: Tensor } {
  const length = ids.dim(1);
  const heads = c.decoder_attention_heads;
  const embedding = p.at("embed_tokens").tensor("weight", [c.vocab_size, c.d_model]);
  const positions = p.at("embed_positions").tensor("weight", [c.max_target_positions, c.d_model]);
  const causal = blockCausalBias(ids.graph, length, c.max_target_positions, 1);
  let x = dropout(embedding.gather(ids).add(positions.slice(0, 0, length)));
  for (let n = 0; n < c.decoder_layers; n++) {
    const input = x;
    x = layer(() =>
      decoderLayer(
        input,
        p.at("layers", n),
        c,
        {
          own: (y, own) => multiHeadAttention(y, own, heads, causal),
          cross: (z, cross) => multiHeadAttention(z, cross, heads, sourceBias, hidden),
        },
        dropout,
      ),
    );
  }
  return { states: layerNorm(x, p.at("layer_norm")), embedding };
}
