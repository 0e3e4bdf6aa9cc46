import type { Scope, Tensor } from "@uat/graph";

/** x [..., in] → [..., out] with parameters `weight` [out, in] and, unless told otherwise, `bias` [out]. */
export function linear(x: Tensor, p: Scope, out: number, { bias = true } = {}): Tensor {
  return x.linear(p.tensor("weight", [out, x.dim(-1) as number]), bias ? p.tensor("bias", [out]) : undefined);
}
