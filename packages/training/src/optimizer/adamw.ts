/**
 * AdamW: Adam whose weight decay does not pass through the moments (Loshchilov & Hutter, "Decoupled weight decay
 * regularization", arXiv 1711.05101, algorithm 2), with the numbers of torch.optim.AdamW.
 *
 * The update is a graph like any other, run over the arenas chunk by chunk and in place.
 */
import type { Runtime } from "@uat/graph";
import { TrainingError } from "../errors.ts";
import { InPlaceUpdate } from "./in-place-update.ts";
import type { ArenaEntry, ParameterArena } from "./parameter-arena.ts";
import { contiguousRuns } from "./runs.ts";
import type { Schedule } from "./schedules.ts";

/** Parameters that are treated alike. A parameter in no group is frozen. */
export interface AdamWGroup {
  /** For logs and messages. */
  readonly name: string;
  readonly parameters: readonly string[];
  readonly learningRate: Schedule;
  /** Decay of the first and second moments; 0.9 (or a schedule of it) and 0.999 by default. */
  readonly betas?: readonly [number | Schedule, number] | undefined;
  /** Added to the denominator; 1e-8 by default. */
  readonly epsilon?: number | undefined;
  /** 0.01 by default. */
  readonly weightDecay?: number | undefined;
}

/** The settings of a group at one step. */
export interface AdamWSettings {
  readonly learningRate: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

export interface StepOptions {
  /** What the gradients are multiplied by first: the clipping coefficient, 1 / number of summed micro-batches. */
  readonly scale?: number;
  /**
   * Trained parameters that got no gradient this time (`grad` is None in torch): neither they nor their moments and
   * step counts change. Their places in the gradient arena are not read.
   */
  readonly without?: ReadonlySet<string>;
}

/** How often each parameter was updated, and the optimiser as a whole. */
export interface AdamWCounts {
  readonly updates: number;
  readonly steps: Readonly<Record<string, number>>;
}

type Arrays = "parameter" | "first" | "second" | "gradient";
type Scalars = "keepFirst" | "takeFirst" | "keepSecond" | "takeSecond" | "epsilon" | "rate" | "shrink";

export class AdamW {
  readonly groups: readonly AdamWGroup[];
  readonly parameters: ParameterArena;
  /** Moving averages of the gradients (torch: exp_avg) of the trained parameters. */
  readonly firstMoments: ParameterArena;
  /** Moving averages of their squares (torch: exp_avg_sq). */
  readonly secondMoments: ParameterArena;
  readonly #update: InPlaceUpdate<Arrays, Scalars>;
  readonly #steps: Map<string, number>;
  #updates = 0;

  private constructor(
    parameters: ParameterArena,
    groups: readonly AdamWGroup[],
    moments: ParameterArena,
    update: InPlaceUpdate<Arrays, Scalars>,
  ) {
    this.parameters = parameters;
    this.groups = groups;
    this.firstMoments = moments;
    this.secondMoments = moments.companion();
    this.#update = update;
    this.#steps = new Map(moments.entries.map(({ name }) => [name, 0]));
  }

  /**
   * @param runtime one that runs on the calling thread.
   * @param parameters updated in place. Fastest when each group lies in one piece (`ParameterArena.zeros`).
   * @throws TrainingError for a parameter that is missing or in two groups, and for settings out of range.
   */
  static async create(runtime: Runtime, parameters: ParameterArena, groups: readonly AdamWGroup[]): Promise<AdamW> {
    const owner = new Map<string, string>();
    for (const group of groups) {
      checkGroup(group);
      for (const name of group.parameters) {
        const other = owner.get(name);
        if (other !== undefined)
          throw new TrainingError(`parameter ${name} is in the groups ${other} and ${group.name}; expected one`);
        owner.set(name, group.name);
      }
    }
    const moments = parameters.companion(owner.keys());
    const update = await InPlaceUpdate.compile<Arrays, Scalars>(
      runtime,
      "adamw",
      ["parameter", "first", "second", "gradient"],
      ["keepFirst", "takeFirst", "keepSecond", "takeSecond", "epsilon", "rate", "shrink"],
      (t) => {
        const first = t.first.mul(t.keepFirst).add(t.gradient.mul(t.takeFirst));
        const root = t.gradient.mul(t.takeSecond);
        const second = t.second.mul(t.keepSecond).add(root.mul(root));
        const change = first.mul(t.rate).div(second.sqrt().add(t.epsilon));
        return { first, second, parameter: t.parameter.mul(t.shrink).sub(change) };
      },
    );
    return new AdamW(parameters, groups, moments, update);
  }

  /** Updates made so far: the number of the next step in every schedule. */
  get updates(): number {
    return this.#updates;
  }

  /** An arena for the gradients of the trained parameters, as `step` takes them. */
  newGradients(): ParameterArena {
    return this.firstMoments.companion();
  }

  /** What the next step of a group uses. */
  settings(group: AdamWGroup): AdamWSettings {
    const [beta1, beta2] = group.betas ?? [0.9, 0.999];
    return {
      learningRate: group.learningRate(this.#updates),
      betas: [typeof beta1 === "number" ? beta1 : beta1(this.#updates), beta2],
      epsilon: group.epsilon ?? 1e-8,
      weightDecay: group.weightDecay ?? 0.01,
    };
  }

  /**
   * One update of all groups.
   * @param gradients an arena by `newGradients`.
   */
  async step(gradients: ParameterArena, { scale = 1, without }: StepOptions = {}): Promise<void> {
    if (!gradients.matches(this.firstMoments))
      throw new Error("the gradients do not lie as the optimiser's parameters do: make their arena by newGradients()");
    for (const group of this.groups) {
      const settings = this.settings(group);
      for (const [steps, entries] of this.#bySteps(group, without)) {
        for (const { name } of entries) this.#steps.set(name, steps + 1);
        const scalars = coefficients(settings, steps + 1, scale);
        for (const { start, companionStart, length } of contiguousRuns(this.parameters, entries)) {
          const arrays = {
            parameter: { values: this.parameters.values, start },
            first: { values: this.firstMoments.values, start: companionStart },
            second: { values: this.secondMoments.values, start: companionStart },
            gradient: { values: gradients.values, start: companionStart },
          };
          await this.#update.run(length, arrays, scalars);
        }
      }
    }
    this.#updates++;
  }

  /** A group's parameters, in order of memory, by the number of updates that they have had. */
  #bySteps(group: AdamWGroup, without: ReadonlySet<string> | undefined): Map<number, ArenaEntry[]> {
    const entries = group.parameters.map((name) => this.firstMoments.entry(name)).sort((a, b) => a.offset - b.offset);
    const result = new Map<number, ArenaEntry[]>();
    for (const entry of entries) {
      if (without?.has(entry.name)) continue;
      const steps = this.#steps.get(entry.name) as number;
      const list = result.get(steps);
      if (list) list.push(entry);
      else result.set(steps, [entry]);
    }
    return result;
  }

  /** For a checkpoint, beside both moments. */
  counts(): AdamWCounts {
    return { updates: this.#updates, steps: Object.fromEntries(this.#steps) };
  }

  /** @throws TrainingError when the counts are not those of this optimiser's parameters. */
  restoreCounts({ updates, steps }: AdamWCounts): void {
    for (const name of Object.keys(steps))
      if (!this.#steps.has(name))
        throw new TrainingError(
          `the saved optimiser has trained ${name}, which is frozen or missing now; resume with the parts trained that were before`,
        );
    for (const name of this.#steps.keys())
      if (!Object.hasOwn(steps, name))
        throw new TrainingError(
          `the saved optimiser knows nothing of ${name}, which is to be trained; resume with the parts frozen that were before`,
        );
    for (const [name, count] of Object.entries(steps)) this.#steps.set(name, count);
    this.#updates = updates;
  }

  dispose(): Promise<void> {
    return this.#update.dispose();
  }
}

/**
 * The numbers of one update. With c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ the textbook's  lr · (m / c₁) / (√(v / c₂) + ε)  is
 * (lr · √c₂ / c₁) · m / (√v + ε · √c₂), which leaves one multiplication for every element.
 */
function coefficients(settings: AdamWSettings, step: number, scale: number): Record<Scalars, number> {
  const { learningRate, betas, epsilon, weightDecay } = settings;
  const [beta1, beta2] = betas;
  const correction = Math.sqrt(1 - beta2 ** step);
  return {
    keepFirst: beta1,
    takeFirst: (1 - beta1) * scale,
    keepSecond: beta2,
    takeSecond: Math.sqrt(1 - beta2) * scale,
    epsilon: epsilon * correction,
    rate: (learningRate * correction) / (1 - beta1 ** step),
    shrink: 1 - learningRate * weightDecay,
  };
}

function checkGroup({ name, betas, epsilon = 1e-8, weightDecay = 0.01 }: AdamWGroup): void {
  const fail = (what: string, value: number, expected: string): never => {
    throw new TrainingError(`parameter group ${name}: ${what} is ${value}; expected ${expected}`);
  };
  for (const [i, beta] of (betas ?? []).entries())
    if (typeof beta === "number" && !(beta >= 0 && beta < 1)) fail(`beta ${i + 1}`, beta, "a number from 0 to below 1");
  if (!(epsilon > 0)) fail("epsilon", epsilon, "a number above 0");
  if (!(weightDecay >= 0)) fail("the weight decay", weightDecay, "a number from 0");
}
