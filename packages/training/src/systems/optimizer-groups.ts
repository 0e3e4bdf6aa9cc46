/** From `optimizer` of a run's configuration to an optimiser's groups. */
import type { GroupConfig } from "../config/optimizer-config.ts";
import type { AdamWGroup } from "../optimizer/adamw.ts";
import { constant, cosine, oneCycle, type Schedule } from "../optimizer/schedules.ts";

export interface OptimizerConfig {
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly schedule_steps: number;
  readonly groups: Readonly<Record<string, GroupConfig>>;
}

/** @param parameters names by group; groups without parameters are left out. */
export function optimizerGroups(
  config: OptimizerConfig,
  parameters: Readonly<Record<string, readonly string[]>>,
): AdamWGroup[] {
  return Object.entries(parameters)
    .filter(([, names]) => names.length > 0)
    .map(([name, names]) => ({
      name,
      parameters: names,
      learningRate: scheduleOf(config.groups[name] as GroupConfig, config.schedule_steps),
      betas: config.betas,
      epsilon: config.eps,
      weightDecay: config.weight_decay,
    }));
}

function scheduleOf({ lr, min_lr, schedule, warmup }: GroupConfig, totalSteps: number): Schedule {
  if (schedule === "constant") return constant({ learningRate: lr, warmupSteps: warmup });
  if (schedule === "one-cycle") return oneCycle({ maximum: lr, totalSteps, warmupSteps: warmup });
  return cosine({ learningRate: lr, minimum: min_lr, totalSteps, warmupSteps: warmup });
}
