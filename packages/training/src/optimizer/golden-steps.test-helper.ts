/** Torch's AdamW over six steps (tests/fixtures/training/adamw), replayed here. */
import { expect } from "vitest";
import { fixtureJson } from "../fixtures.ts";
import type { AdamW, AdamWGroup } from "./adamw.ts";
import { clipCoefficient, gradientNorm } from "./gradients.ts";
import { ParameterArena } from "./parameter-arena.ts";
import type { WeightAverage } from "./weight-average.ts";

type Values = Record<string, number[]>;

interface Golden {
  shapes: Record<string, number[]>;
  groups: {
    name: string;
    params: string[];
    lr: number;
    weight_decay?: number;
    betas?: [number, number];
    eps?: number;
  }[];
  clip: number;
  decay: number;
  initial: Values;
  steps: { gradients: Values; norm: number; parameters: Values; average: Values }[];
  moments: Record<string, { step: number; exp_avg: number[]; exp_avg_sq: number[] }>;
}

export const golden = fixtureJson<Golden>("training/adamw/steps.json");

export const goldenGroups = golden.groups.map(
  (g): AdamWGroup => ({
    name: g.name,
    parameters: g.params,
    learningRate: (step) => g.lr * (1 - 0.1 * step),
    betas: g.betas,
    epsilon: g.eps,
    weightDecay: g.weight_decay,
  }),
);

export const goldenTrained = goldenGroups.flatMap((g) => g.parameters);

/** The parameters before the first step or, for `steps` > 0, after that many. */
export function goldenParameters(steps = 0, order: readonly (readonly string[])[] = []): ParameterArena {
  const values = steps === 0 ? golden.initial : golden.steps[steps - 1]!.parameters;
  return ParameterArena.from(
    Object.entries(golden.shapes).map(([name, shape]) => ({ name, shape, values: Float32Array.from(values[name]!) })),
    order,
  );
}

/** Largest error in units of the value's size, where values below `floor` count as that large. */
export const relativeError = (got: ArrayLike<number>, want: readonly number[], floor = 0): number =>
  got.length !== want.length
    ? Number.POSITIVE_INFINITY
    : want.reduce((worst, w, i) => Math.max(worst, Math.abs(got[i]! - w) / Math.max(Math.abs(w), floor)), 0);

/** Replays the steps that the optimiser has not made, up to `end`, comparing parameters and averages after each. */
export async function replayGolden(
  optimizer: AdamW,
  { end = golden.steps.length, average }: { end?: number; average?: WeightAverage } = {},
): Promise<void> {
  const gradients = optimizer.newGradients();
  for (const [i, step] of golden.steps.slice(0, end).entries()) {
    if (i < optimizer.updates) continue;
    const without = new Set(goldenTrained.filter((name) => !step.gradients[name]));
    gradients.values.fill(0);
    for (const [name, values] of Object.entries(step.gradients)) gradients.view(name).set(values);
    const norm = gradientNorm(gradients);
    expect(Math.abs(norm / step.norm - 1)).toBeLessThan(1e-6);
    await optimizer.step(gradients, { scale: clipCoefficient(norm, golden.clip), without });
    await average?.update();
    for (const name of Object.keys(golden.shapes)) {
      const where = `${name} after step ${i + 1}`;
      expect(relativeError(optimizer.parameters.view(name), step.parameters[name]!, 0.1), where).toBeLessThan(1e-6);
      if (average?.average.has(name))
        expect(relativeError(average.average.view(name), step.average[name]!, 0.1), where).toBeLessThan(1e-6);
    }
  }
}

/** Compares step counts and moments with those after the last step. */
export function expectGoldenMoments(optimizer: AdamW): void {
  const { steps } = optimizer.counts();
  for (const [name, { step, exp_avg, exp_avg_sq }] of Object.entries(golden.moments)) {
    expect(steps[name], name).toBe(step);
    // first moments are sums of terms of about 0.01 of either sign: where these cancel, their rounding stays
    expect(relativeError(optimizer.firstMoments.view(name), exp_avg, 0.01), name).toBeLessThan(1e-6);
    expect(relativeError(optimizer.secondMoments.view(name), exp_avg_sq), name).toBeLessThan(1e-6);
  }
}
