/** What is heard in each frame of 10 ms, foretold from its token: spectrum, loudness, pitch. */
import { mulDim, type Tensor } from "@uat/graph";
import { layerNorm, linear } from "universal-audio-tokenizer/internal";
import { maskedMean, maskedSquaredError, type Positions, validPositions } from "../masked.ts";
import { type Head, type HeadInputs, headScope } from "./head.ts";

/** Input float32 [batch, frames]: pitch in octaves above 27.5 Hz, 0 where there is no voice. */
export const PITCH = "pitch";

export interface FrameObjectives {
  /** What they are foretold from: the token's code alone, or the encoder's last state, which knows the codes around it. */
  readonly from: "codes" | "hidden";
  /** Weights of the losses; those of 0 are left out. */
  readonly log_mel: number;
  readonly energy: number;
  readonly pitch: number;
}

/**
 * Two layers: layer norm, linear and GELU, which all targets share, then a linear layer for each. Losses are means over
 * real frames:
 * - `log_mel`: squared error of Whisper's log-mel features in their own unit, 4 decades of energy;
 * - `energy`: squared error of their mean over the bands;
 * - `pitch`: squared error in octaves over voiced frames, and the binary cross-entropy of being voiced. Metrics
 *   `octaves`: mean error of voiced frames; `voicing`: share of frames taken for voiced or not rightly.
 */
export function frameHeads(inputs: HeadInputs, weights: FrameObjectives): Head[] {
  const { graph, attentionMask, framesPerToken } = inputs;
  const states = inputs[weights.from];
  const p = headScope(inputs, "frames");
  const batch = states.dim(0);
  const frames = mulDim(states.dim(1), framesPerToken);
  const valid = validPositions(attentionMask);
  const shared = linear(layerNorm(states, p.at("layer_norm")), p.at("hidden"), states.dim(-1) as number).gelu();
  const foretell = (name: string, values: number) =>
    linear(shared, p.at(name), framesPerToken * values).reshape([batch, frames, values]);

  const heads: Head[] = [];
  if (weights.log_mel > 0) {
    const mel = inputs.features().transpose(0, 2, 1);
    const loss = maskedSquaredError(foretell("log_mel", mel.dim(2) as number), mel, valid);
    heads.push({ name: "log_mel", weight: weights.log_mel, loss });
  }
  if (weights.energy > 0) {
    const energy = inputs.features().mean(1).unsqueeze(2);
    heads.push({
      name: "energy",
      weight: weights.energy,
      loss: maskedSquaredError(foretell("energy", 1), energy, valid),
    });
  }
  if (weights.pitch > 0) {
    const pitch = graph.input(PITCH, [batch, frames]).unsqueeze(2);
    const both = foretell("pitch", 2);
    heads.push({
      name: "pitch",
      weight: weights.pitch,
      ...pitchLoss(both.slice(2, 0, 1), both.slice(2, 1, 2), pitch, valid),
    });
  }
  return heads;
}

/** All [batch, frames, 1]. */
function pitchLoss(octaves: Tensor, voicing: Tensor, pitch: Tensor, valid: Positions): Pick<Head, "loss" | "metrics"> {
  const { graph } = pitch;
  const voiced = graph.constant(0).less(pitch).where(1, 0);
  const mask = voiced.reshape(valid.mask.shape).mul(valid.mask);
  const sounding = { mask, count: mask.sum([0, 1]).clamp(1) };
  const entropy = voicing.softplus().sub(voicing.mul(voiced));
  const right = voiced.less(0.5).where(voicing.less(0).where(1, 0), voicing.less(0).where(0, 1));
  return {
    loss: maskedSquaredError(octaves, pitch, sounding).add(maskedMean(entropy, valid)),
    metrics: { octaves: maskedMean(octaves.sub(pitch).abs(), sounding), voicing: maskedMean(right, valid) },
  };
}
