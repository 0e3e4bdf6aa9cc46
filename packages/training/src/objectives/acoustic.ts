/** What an acoustic model is taught by: the mel and the pitch of the sound its tokens stand for. */
import { type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { type AcousticConfig, acousticModel, type TrainingOptions } from "universal-audio-tokenizer/internal";
import type { Objective } from "../engine/loss-program.ts";

/** What a training step is fed. */
export interface AcousticInputs {
  /** int32 [batch, N] */
  readonly tokens: Tensor;
  /** int32 [batch, N]: 1, or 0 behind the last token. */
  readonly mask: Tensor;
  /** [batch, T]: 1, or 0 behind the last token's frames. */
  readonly real: Tensor;
  /** Between which two sub-frames each frame lies, int32 [T], and how far from the first to the second, [T]. */
  readonly lower: Tensor;
  readonly upper: Tensor;
  readonly share: Tensor;
  /** Log-mel (natural logarithm) [batch, T, mels]. */
  readonly mel: Tensor;
  /** Octaves above the reference pitch [batch, T]; anything where there is no voice. */
  readonly pitch: Tensor;
  /** [batch, T]: 1 where there is a voice, else 0. */
  readonly voiced: Tensor;
}

/** Declares {@link AcousticInputs} under their own names, of any batch, number of tokens and number of frames. */
export function acousticInputs(graph: Graph, c: AcousticConfig): AcousticInputs {
  const [batch, n, frames] = [symbol("batch"), symbol("tokens"), symbol("frames")];
  return {
    tokens: graph.input("tokens", [batch, n], "int32"),
    mask: graph.input("mask", [batch, n], "int32"),
    real: graph.input("real", [batch, frames]),
    lower: graph.input("lower", [frames], "int32"),
    upper: graph.input("upper", [frames], "int32"),
    share: graph.input("share", [frames]),
    mel: graph.input("mel", [batch, frames, c.output_size]),
    pitch: graph.input("pitch", [batch, frames]),
    voiced: graph.input("voiced", [batch, frames]),
  };
}

export interface AcousticLossOptions extends TrainingOptions {
  /** Weights of the losses. */
  readonly mel: number;
  readonly pitch: number;
  readonly voicing: number;
  /**
   * Log-mel under which all is silence: what is quieter counts as this loud. Without it most of the error is that of
   * noise floors, which nobody hears, and words are the smaller part.
   */
  readonly floor: number;
}

/**
 * Means over real frames. `mel`: mean absolute error of log-mels, a squared one blurs what is uncertain more;
 * `pitch`: mean absolute error in octaves over voiced frames; `voicing`: binary cross-entropy of being voiced.
 */
export function acousticLoss(
  inputs: AcousticInputs,
  p: Scope,
  c: AcousticConfig,
  options: AcousticLossOptions,
): Objective {
  const { lower, upper, share, voiced, real } = inputs;
  const foretold = acousticModel(inputs.tokens, p, c, { ...options, mask: inputs.mask });
  const atFrames = (x: Tensor, weight: Tensor): Tensor => {
    const [a, b] = [x.gather(lower, 1), x.gather(upper, 1)];
    return a.add(b.sub(a).mul(weight));
  };
  const frames = share.dim(0);
  const distance = atFrames(foretold.mel, share.reshape([1, frames, 1])).sub(inputs.mel.clamp(options.floor));
  const weight = share.reshape([1, frames]);
  const octaves = atFrames(foretold.pitch, weight).sub(inputs.pitch).abs();
  const odds = atFrames(foretold.voicing, weight);
  const count = real.sum([0, 1]).clamp(1);
  const mel = distance.abs().mean(2).mul(real).sum([0, 1]).div(count);
  const pitch = octaves
    .mul(voiced)
    .sum([0, 1])
    .div(voiced.sum([0, 1]).clamp(1));
  const voicing = odds.softplus().sub(odds.mul(voiced)).mul(real).sum([0, 1]).div(count);
  return {
    loss: mel.mul(options.mel).add(pitch.mul(options.pitch)).add(voicing.mul(options.voicing)),
    metrics: { mel, pitch, voicing },
  };
}
