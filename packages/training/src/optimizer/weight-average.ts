/** Exponential moving average of weights: average ← decay · average + (1 − decay) · weight, after every update. */
import type { ParameterSource, Runtime } from "@uat/graph";
import { TrainingError } from "../errors.ts";
import { InPlaceUpdate } from "./in-place-update.ts";
import type { ParameterArena } from "./parameter-arena.ts";
import { contiguousRuns } from "./runs.ts";

export class WeightAverage {
  readonly decay: number;
  /** The averages, of the averaged parameters only. */
  readonly average: ParameterArena;
  readonly #parameters: ParameterArena;
  readonly #update: InPlaceUpdate<"average" | "weight", "keep" | "take">;

  private constructor(
    decay: number,
    parameters: ParameterArena,
    average: ParameterArena,
    update: InPlaceUpdate<"average" | "weight", "keep" | "take">,
  ) {
    this.decay = decay;
    this.#parameters = parameters;
    this.average = average;
    this.#update = update;
  }

  /**
   * Starts from the weights as they are.
   * @param names what is averaged, mostly the trained parameters.
   * @throws TrainingError when the decay does not lie in [0, 1).
   */
  static async create(
    runtime: Runtime,
    parameters: ParameterArena,
    names: Iterable<string>,
    decay: number,
  ): Promise<WeightAverage> {
    if (!(decay >= 0 && decay < 1))
      throw new TrainingError(`the decay of the weight average is ${decay}; expected a number from 0 to below 1`);
    const average = parameters.companion(names);
    for (const { name } of average.entries) average.view(name).set(parameters.view(name));
    const update = await InPlaceUpdate.compile(
      runtime,
      "weight_average",
      ["average", "weight"],
      ["keep", "take"],
      ({ average, weight, keep, take }) => ({ average: average.mul(keep).add(weight.mul(take)) }),
    );
    return new WeightAverage(decay, parameters, average, update);
  }

  /**
   * Takes in the weights of one more step.
   * @param updates how many steps there have been: the decay rises to its value as (1 + n) / (10 + n), or the weights
   *   that a short run began with would make up a good part of its average.
   */
  async update(updates = Number.POSITIVE_INFINITY): Promise<void> {
    const keep = Number.isFinite(updates) ? Math.min(this.decay, (1 + updates) / (10 + updates)) : this.decay;
    for (const { start, companionStart, length } of contiguousRuns(this.#parameters, this.average.entries))
      await this.#update.run(
        length,
        {
          average: { values: this.average.values, start: companionStart },
          weight: { values: this.#parameters.values, start },
        },
        { keep, take: 1 - keep },
      );
  }

  /** The averaged weights, and the others as they are: for evaluation and for saving. */
  readonly source: ParameterSource = (name) => this.average.source(name) ?? this.#parameters.source(name);

  dispose(): Promise<void> {
    return this.#update.dispose();
  }
}
