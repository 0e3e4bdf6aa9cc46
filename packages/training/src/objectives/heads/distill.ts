/** Distillation (Hinton et al., 2015, arXiv 1503.02531) towards the last states of a frozen Whisper's encoder. */
import type { WhisperConfig } from "@uat/evaluation";
import type { Scope, Tensor } from "@uat/graph";
import {
  convolutionFrontEnd,
  encoderLayer,
  layerNorm,
  linear,
  paddingBias,
  strideMask,
} from "universal-audio-tokenizer/internal";
import { maskedSquaredError } from "../masked.ts";
import { type Head, type HeadInputs, headScope } from "./head.ts";

/** The teacher's parameters lie below this, by the names of Whisper's encoder. They are never trained. */
export const TEACHER = "teacher";

/** The fields of a Whisper's config.json that shape its encoder. */
export type TeacherConfig = Pick<
  WhisperConfig,
  "d_model" | "encoder_layers" | "encoder_attention_heads" | "encoder_ffn_dim" | "num_mel_bins" | "max_source_positions"
>;

/**
 * A linear layer foretells the teacher's states from the student's, both at the rate of tokens; the loss is the mean
 * squared error over real tokens. The teacher runs on the batch's own frames, with padding masked, instead of on 30 s.
 */
export function distillHead(inputs: HeadInputs, { weight, teacher }: { weight: number; teacher: TeacherConfig }): Head {
  const { hidden, attentionMask, framesPerToken, features, p } = inputs;
  const states = teacherStates(features(), attentionMask, p.at(TEACHER), teacher);
  const positions = states.dim(1);
  const real = strideMask(attentionMask, 2, positions).cast("float32");
  const [batch, tokens] = hidden.shape as [typeof positions, typeof positions];
  const perToken = framesPerToken / 2;
  const shares = real.reshape([batch, tokens, perToken, 1]);
  const targets = states
    .reshape([batch, tokens, perToken, teacher.d_model])
    .mul(shares)
    .sum(2)
    .div(shares.sum(2).clamp(1))
    .detach();
  const foretold = linear(hidden, headScope(inputs, "distill").at("linear"), teacher.d_model);
  return { name: "distill", weight, loss: maskedSquaredError(foretold, targets, inputs.valid) };
}

/** Log-mel [batch, mels, frames], mask int32 [batch, frames] → last normed states [batch, frames / 2, d]. */
export function teacherStates(features: Tensor, mask: Tensor, p: Scope, c: TeacherConfig): Tensor {
  let x = convolutionFrontEnd(features, p, c.d_model, c.max_source_positions, false);
  const bias = paddingBias(strideMask(mask, 2, x.dim(1)));
  for (let n = 0; n < c.encoder_layers; n++)
    x = encoderLayer(x, p.at("layers", n), { heads: c.encoder_attention_heads, ffn: c.encoder_ffn_dim, bias });
  return layerNorm(x, p.at("layer_norm"));
}
