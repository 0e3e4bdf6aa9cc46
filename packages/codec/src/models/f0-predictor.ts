/** Fundamental frequency from a mel: convolutions with ELU, one value a frame. */
import { type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { conv1d } from "../nn/convolution.ts";
import { linear } from "../nn/linear.ts";

const LAYERS = 5;

/** Frames on either side that a value depends on. */
export const F0_REACH = LAYERS;

/** Input `mel` [1, mels, frames]; returns `f0` [1, frames] in Hz. */
export function f0Predictor(
  graph: Graph,
  p: Scope,
  c: { readonly in_channels: number; readonly cond_channels: number },
): Record<string, Tensor> {
  const frames = symbol("frames");
  let h = graph.input("mel", [1, c.in_channels, frames]);
  for (let i = 0; i < LAYERS; i++) {
    h = conv1d(h, p.at("condnet", 2 * i), c.cond_channels, { kernel: 3, padding: 1 }).elu();
  }
  return {
    f0: linear(h.transpose(0, 2, 1), p.at("classifier"), 1)
      .reshape([1, frames])
      .abs(),
  };
}
