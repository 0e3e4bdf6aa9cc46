/** Fundamental frequency from a mel: convolutions with ELU, one value a frame. */
import { type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { conv1d } from "../nn/convolution.ts";
import { linear } from "../nn/linear.ts";

const LAYERS = 5;

/** Frames on either side that a value depends on. */
export const F0_REACH = LAYERS;

/** The fields of `hift.f0_predictor` in config.yaml that shape the network, by their names there. */
export interface F0PredictorConfig {
  readonly in_channels: number;
  readonly cond_channels: number;
}

/** mel [batch, mels, frames] → f0 [batch, frames] in Hz. */
export function f0Predictor(mel: Tensor, p: Scope, c: F0PredictorConfig): Tensor {
  let h = mel;
  for (let i = 0; i < LAYERS; i++) {
    h = conv1d(h, p.at("condnet", 2 * i), c.cond_channels, { kernel: 3, padding: 1 }).elu();
  }
  return linear(h.transpose(0, 2, 1), p.at("classifier"), 1)
    .reshape([mel.dim(0), mel.dim(2)])
    .abs();
}

/** For decoding: input `mel` [1, mels, frames]; returns `f0` [1, frames] in Hz. */
export const f0Graph = (graph: Graph, p: Scope, c: F0PredictorConfig): Record<string, Tensor> => ({
  f0: f0Predictor(graph.input("mel", [1, c.in_channels, symbol("frames")]), p, c),
});
