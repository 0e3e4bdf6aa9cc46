/**
 * Conditional flow matching (Lipman et al., 2022, arXiv 2210.02747) with classifier-free guidance
 * (Ho & Salimans, 2022, arXiv 2207.12598): a mel is noise carried along a learned velocity by Euler steps.
 */
import { type Dim, type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import type { TrainingOptions } from "../nn/training-options.ts";
import { type UnetConfig, unet } from "./unet.ts";

/** The fields of `flow.decoder` in config.yaml that shape this network, by their names there. */
export interface FlowMatchingConfig {
  readonly cfm_params: { readonly inference_cfg_rate: number; readonly t_scheduler: "cosine" | "linear" };
  readonly estimator: UnetConfig;
}

export interface EulerStep {
  /** Time at the start of the step. */
  readonly t: number;
  readonly dt: number;
}

/**
 * n steps on the times k/n (linear) or 1 − cos(k/n · π/2) (cosine), in float32 as upstream: times are accumulated, and
 * a step reaches from the accumulated time to the next of the grid.
 */
export function eulerSteps(n: number, scheduler: "cosine" | "linear" = "cosine"): EulerStep[] {
  const f = Math.fround;
  const grid = Array.from({ length: n + 1 }, (_, k) =>
    scheduler === "linear" ? f(k / n) : f(1 - f(Math.cos(f(f(f(k / n) * f(0.5)) * f(Math.PI))))),
  );
  const steps: EulerStep[] = [];
  let t = grid[0] as number;
  let dt = f((grid[1] as number) - t);
  for (let k = 1; k <= n; k++) {
    steps.push({ t, dt });
    t = f(t + dt);
    if (k < n) dt = f((grid[k + 1] as number) - t);
  }
  return steps;
}

/** mu and cond [batch, mels, frames], spk [batch, mels] → [batch, 3·mels, frames], what a velocity depends on. */
export function flowContext(mu: Tensor, spk: Tensor, cond: Tensor): Tensor {
  const [batch, mels] = mu.shape as [Dim, Dim];
  return mu.concat(1, spk.reshape([batch, mels, 1]).expand(mu.shape), cond);
}

/** x [batch, mels, frames] at times t [1] or [batch], told `context` → velocity [batch, mels, frames]. */
export function velocity(
  x: Tensor,
  t: Tensor,
  context: Tensor,
  p: Scope,
  c: FlowMatchingConfig,
  options: TrainingOptions = {},
): Tensor {
  return unet(x.concat(1, context), t, p.at("decoder", "estimator"), c.estimator, options);
}

/**
 * For decoding: one guided Euler step. Inputs: `x`, `mu`, `cond` [1, mels, frames], `spk` [1, mels], `t` and `dt` [1].
 * Returns `next` = x + dt·((1+g)·v_cond − g·v_uncond) [1, mels, frames], `v_cond` and `v_uncond`.
 * Both velocities come from one batch of two; without guidance there is no second item and no `v_uncond`.
 */
export function eulerStepGraph(graph: Graph, p: Scope, c: FlowMatchingConfig): Record<string, Tensor> {
  const mels = c.estimator.out_channels;
  const frames = symbol("frames");
  const [x, mu, cond] = ["x", "mu", "cond"].map((name) => graph.input(name, [1, mels, frames])) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const spk = graph.input("spk", [1, mels]);
  const t = graph.input("t", [1]);
  const dt = graph.input("dt", [1]);
  const guidance = c.cfm_params.inference_cfg_rate;
  const items = guidance === 0 ? 1 : 2;

  const given = flowContext(mu, spk, cond);
  // the second item is told nothing
  const context = items === 2 ? given.pad(0, 0, 1) : given;
  const v = velocity(x.expand([items, mels, frames]), t, context, p, c);
  const step = dt.reshape([1, 1, 1]);
  if (items === 1) return { next: x.add(v.mul(step)), v_cond: v };
  const v_cond = v.slice(0, 0, 1);
  const v_uncond = v.slice(0, 1, 2);
  const guided = v_cond.mul(1 + guidance).sub(v_uncond.mul(guidance));
  return { next: x.add(guided.mul(step)), v_cond, v_uncond };
}
