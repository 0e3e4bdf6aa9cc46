import type { Scope, Tensor } from "@uat/graph";

/** Layer norm over the last axis, epsilon 1e-5. */
export function layerNorm(x: Tensor, p: Scope): Tensor {
  const size = [x.dim(-1) as number];
  return x.layerNorm(p.tensor("weight", size), p.tensor("bias", size), 1e-5);
}

/** Group norm of x [batch, channels, time], epsilon 1e-5. */
export function groupNorm(x: Tensor, p: Scope, groups: number): Tensor {
  const size = [x.dim(1) as number];
  return x.groupNorm(groups, p.tensor("weight", size), p.tensor("bias", size), 1e-5);
}
