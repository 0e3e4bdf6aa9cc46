/**
 * Codes → mel and pitch in one pass: feed-forward transformer blocks (FastSpeech 2) at the rate of the codes; at the end
 * each token is split into equal sub-frames. Pitch is foretold beside the mel, since 80 mel bands hardly show
 * it: it drives the vocoder.
 */
import { type Graph, mulDim, type Scope, symbol, type Tensor } from "@uat/graph";
import { alongTime } from "../nn/fft-block.ts";
import { linear } from "../nn/linear.ts";
import { layerNorm } from "../nn/norm.ts";
import type { TrainingOptions } from "../nn/training-options.ts";
import { type CodesTrunkConfig, codesTrunk } from "./codes-trunk.ts";

/** The fields of `acoustic` in config.yaml that shape the network. */
export interface AcousticModelConfig extends CodesTrunkConfig {
  /** Sub-frames of a token, and channels while they are smoothed. */
  readonly subframes: number;
  readonly subframe_size: number;
  /** Mel bins. */
  readonly output_size: number;
}

/** Octaves are counted from here, Hz: about the middle of human voices. */
export const REFERENCE_PITCH = 160;

const SUBFRAME_KERNEL = 5;

/** What the network foretells of each sub-frame. */
export interface AcousticValues {
  /** Log-mel (natural logarithm) [batch, sub-frames, mels]. */
  readonly mel: Tensor;
  /** Octaves above {@link REFERENCE_PITCH} [batch, sub-frames]. */
  readonly pitch: Tensor;
  /** Log-odds of a voice being there [batch, sub-frames]. */
  readonly voicing: Tensor;
}

/**
 * tokens int32 [batch, N] → values at N · subframes.
 * @param mask int32 [batch, N]: 0 at tokens that only fill up a batch, and that no other sees; none by default.
 */
export function acousticModel(
  tokens: Tensor,
  p: Scope,
  c: AcousticModelConfig,
  options: TrainingOptions & { readonly mask?: Tensor } = {},
): AcousticValues {
  const { states, kept } = codesTrunk(tokens, p, c, options);
  const [batch, n] = [tokens.dim(0), tokens.dim(1)];
  const count = mulDim(n, c.subframes);
  const split = linear(layerNorm(states, p.at("norm")), p.at("split"), c.subframes * c.subframe_size).gelu();
  let y = kept(split).reshape([batch, count, c.subframe_size]);
  y = y.add(alongTime(y, p.at("smooth"), c.subframe_size, SUBFRAME_KERNEL).gelu());
  const values = alongTime(y, p.at("output"), c.output_size + 2, SUBFRAME_KERNEL);
  const channel = (i: number) => values.slice(2, i, i + 1).reshape([batch, count]);
  return {
    mel: values.slice(2, 0, c.output_size),
    pitch: channel(c.output_size),
    voicing: channel(c.output_size + 1),
  };
}

/** For decoding: input `tokens` int32 [N]; returns {@link AcousticValues} of a batch of one. */
export function acousticGraph(graph: Graph, p: Scope, c: AcousticModelConfig): Record<string, Tensor> {
  const n = symbol("tokens");
  const tokens = graph.input("tokens", [n], "int32").reshape([1, n]);
  return { ...acousticModel(tokens, p, c) };
}
