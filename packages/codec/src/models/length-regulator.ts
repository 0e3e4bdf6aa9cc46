/** From token rate to mel rate: nearest-neighbour stretching smoothed by convolutions. */
import type { Scope, Tensor } from "@uat/graph";
import { mish } from "../nn/activation.ts";
import { conv1d } from "../nn/convolution.ts";
import { groupNorm } from "../nn/norm.ts";

/**
 * x [batch, N, channels], source int32 [T], the token of each frame → [batch, channels, T]:
 * `blocks` times convolution, group norm of one group, Mish; then a pointwise convolution.
 */
export function lengthRegulator(x: Tensor, source: Tensor, p: Scope, blocks: number): Tensor {
  const channels = x.dim(2) as number;
  let h = x.gather(source, 1).transpose(0, 2, 1);
  for (let i = 0; i < blocks; i++) {
    h = conv1d(h, p.at("model", 3 * i), channels, { kernel: 3, padding: 1 });
    h = mish(groupNorm(h, p.at("model", 3 * i + 1), 1));
  }
  return conv1d(h, p.at("model", 3 * blocks), channels, { kernel: 1 });
}
