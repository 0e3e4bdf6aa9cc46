/** How weights change: `optimizer` of a run's configuration. */
import { z } from "zod";
import { amount, count, filled, oneOf, positive, share } from "./fields.ts";

const belowOne = share.lt(1, "expected a number from 0 to below 1");

/** A part of the model with a learning rate of its own. */
const group = (rate: number) =>
  filled({
    lr: amount.default(rate).describe("the learning rate after the warm-up (one-cycle: the highest)"),
    min_lr: amount.nullable().default(null).describe("the learning rate at the end (cosine); null: a tenth of `lr`"),
    schedule: oneOf(["constant", "cosine", "one-cycle"]).default("cosine").describe("the way from `lr` to the end"),
    warmup: count
      .nullable()
      .default(null)
      .describe(
        "steps over which the rate rises from 1e-6; null: 1,000, or a tenth of a schedule that is shorter than 10,000",
      ),
  });

const common = {
  betas: z
    .tuple([belowOne, belowOne], "expected two numbers from 0 to below 1")
    .default([0.9, 0.999])
    .describe("decay of Adam's moments"),
  eps: positive.default(1e-8).describe("added to the root of the second moment"),
  weight_decay: amount.default(0.01).describe("decoupled decay of all weights"),
  clip: positive.nullable().default(1).describe("largest norm of all gradients together; null: no clipping"),
  ema: belowOne
    .nullable()
    .default(null)
    .describe(
      "decay of averaged weights, which are evaluated (less at first: (1 + n) / (10 + n) after n steps); null: none",
    ),
  schedule_steps: count
    .nullable()
    .default(null)
    .describe("steps over which schedules run; null: `steps` of this file, whatever the command line says"),
};

/** The published recipe: encoder 1e-5 → 1e-6, decoder 6e-4 → 6e-5, the rest 2e-4 → 2e-5, warm-up 1,000 steps. */
export const tokenizerOptimizer = filled({
  ...common,
  groups: filled({
    encoder: group(1e-5).describe("names with `encoder`, the decoder's cross-attention among them"),
    decoder: group(6e-4).describe("other names with `decoder` or `proj_out`"),
    rest: group(2e-4).describe("all else: heads"),
  }).describe("learning rates by part"),
});

export const flowOptimizer = filled({
  ...common,
  groups: filled({
    encoder: group(2e-4).describe("names with `encoder`"),
    decoder: group(2e-4).describe("other names with `decoder`"),
    rest: group(2e-4).describe("all else: token embedding, speaker projection, length regulator"),
  }).describe("learning rates by part"),
});

export const acousticOptimizer = filled({
  ...common,
  betas: common.betas.unwrap().default([0.9, 0.98]).describe("decay of Adam's moments"),
  groups: filled({ all: group(1e-3).describe("all parameters") }).describe("learning rates by part"),
});

/** Momentum and rates of HiFi-GAN (Kong et al., 2020, section 3). */
export const vocoderOptimizer = filled({
  ...common,
  betas: common.betas.unwrap().default([0.8, 0.99]).describe("decay of Adam's moments"),
  groups: filled({
    generator: group(2e-4).describe("the vocoder"),
    discriminator: group(2e-4).describe("what tells its sound from true sound"),
  }).describe("learning rates by part"),
});

/** One part's learning rates. */
export interface GroupConfig {
  readonly lr: number;
  readonly min_lr: number;
  readonly schedule: "constant" | "cosine" | "one-cycle";
  readonly warmup: number;
}

/** Fills in what depends on other fields. @param steps of the schedule. */
export function settledGroup(given: z.output<ReturnType<typeof group>>, steps: number): GroupConfig {
  const { lr, schedule } = given;
  return {
    lr,
    schedule,
    min_lr: given.min_lr ?? lr / 10,
    warmup: given.warmup ?? Math.min(1000, Math.floor(steps / 10)),
  };
}
