/** Activations that the decoder's networks need beyond the operators of the graph. */
import type { Scope, Tensor } from "@uat/graph";

/**
 * x · tanh(softplus(x)) (Misra, 2019, arXiv 1908.08681), written with s = σ(x) as x · n/(2 − n), n = s(2 − s):
 * ONNX Runtime computes Sigmoid in vectors and threads, but not Softplus.
 */
export function mish(x: Tensor): Tensor {
  const s = x.sigmoid();
  const n = s.mul(x.graph.constant(2).sub(s));
  return x.mul(n).div(x.graph.constant(2).sub(n));
}

/** x · σ(x), also called swish. */
export const silu = (x: Tensor): Tensor => x.mul(x.sigmoid());

/**
 * x + sin²(αx)/α with one α a channel, stored linearly as `alpha` [channels] (Ziyin et al., 2020, arXiv 2006.08195).
 * x [batch, channels, time].
 */
export function snake(x: Tensor, p: Scope): Tensor {
  const channels = x.dim(1) as number;
  const alpha = p.tensor("alpha", [channels]).reshape([1, channels, 1]);
  const sine = x.mul(alpha).sin();
  return x.add(sine.mul(sine).div(alpha.add(1e-9)));
}
