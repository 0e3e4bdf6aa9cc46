/**
 * Semantic-Acoustic Equilibrium (UniAudio-Token, arXiv 2605.31521, section 3): a gated residual that carries a shallow
 * layer into a deep one.
 */
import type { Scope, Tensor } from "@uat/graph";
import { linear } from "../nn/linear.ts";
import { layerNorm } from "../nn/norm.ts";

export interface EquilibriumResult {
  /** LN(x_high + γ · adapter(x_low)), [batch, time, d]. */
  readonly fused: Tensor;
  readonly adapter: Tensor;
  /** γ, [batch, time, d]; absent when the residual is not gated. */
  readonly gate?: Tensor | undefined;
}

export function equilibrium(
  high: Tensor,
  low: Tensor,
  p: Scope,
  options: {
    adapter: boolean;
    gate: boolean;
    /** Applied inside the adapter, in training. */
    dropout?: ((x: Tensor) => Tensor) | undefined;
  },
): EquilibriumResult {
  const { dropout = (x) => x } = options;
  const d = high.dim(-1) as number;
  const residual = p.at("residual_adapter");
  const adapter = options.adapter ? linear(dropout(linear(low, residual.at(0), d).gelu()), residual.at(3), d) : low;
  if (!options.gate) return { fused: layerNorm(high.add(adapter), p.at("residual_output_norm")), adapter };
  const gates = p.at("residual_gate");
  const gate = linear(linear(high.concat(-1, low), gates.at(0), d).tanh(), gates.at(2), d).sigmoid();
  return { fused: layerNorm(high.add(gate.mul(adapter)), p.at("residual_output_norm")), adapter, gate };
}
