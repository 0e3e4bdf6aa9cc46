/** One optimiser at work: gradients of one or more batches, averaged over batches and processes, clipped, applied. */
import type { NumericArray, Runtime } from "@uat/graph";
import type { LossProgram, LossResult } from "../engine/loss-program.ts";
import type { AdamW } from "../optimizer/adamw.ts";
import { clipCoefficient, GradientAccumulator, gradientNorm, nonFiniteGradients } from "../optimizer/gradients.ts";
import type { WeightAverage } from "../optimizer/weight-average.ts";
import type { Collective } from "./collective.ts";
import { NonFiniteError } from "./system.ts";

export interface UpdaterOptions {
  /** Largest norm of all gradients together; null: no clipping. */
  readonly clip: number | null;
  readonly average?: WeightAverage | undefined;
  readonly collective: Collective;
}

export interface UpdateResult {
  readonly results: readonly LossResult[];
  /** Before clipping. */
  readonly gradientNorm: number;
}

export class Updater {
  readonly optimizer: AdamW;
  readonly average: WeightAverage | undefined;
  readonly #options: UpdaterOptions;
  readonly #accumulator: GradientAccumulator;

  private constructor(optimizer: AdamW, options: UpdaterOptions, accumulator: GradientAccumulator) {
    this.optimizer = optimizer;
    this.average = options.average;
    this.#options = options;
    this.#accumulator = accumulator;
  }

  static async create(runtime: Runtime, optimizer: AdamW, options: UpdaterOptions): Promise<Updater> {
    return new Updater(optimizer, options, await GradientAccumulator.create(runtime, optimizer.newGradients()));
  }

  /**
   * @param batches inputs of the program, batch by batch.
   * @throws NonFiniteError before anything has changed.
   */
  async update(program: LossProgram, batches: Iterable<Readonly<Record<string, NumericArray>>>): Promise<UpdateResult> {
    const { collective, clip } = this.#options;
    const accumulator = this.#accumulator;
    accumulator.reset();
    const results: LossResult[] = [];
    for (const inputs of batches) {
      const result = await program.run(inputs, accumulator.target);
      results.push(result);
      await accumulator.add(program.without);
    }
    const { gradients } = accumulator;
    const total = Float32Array.of(results.reduce((sum, { loss }) => sum + loss, 0));
    await collective.sum(gradients.values, total);
    const share = 1 / (results.length * collective.world);
    const norm = gradientNorm(gradients) * share;
    // sums over all processes: all of them throw, or none
    if (!Number.isFinite(norm) || !Number.isFinite(total[0])) throw this.#broken(results);
    await this.optimizer.step(gradients, {
      scale: share * (clip === null ? 1 : clipCoefficient(norm, clip)),
      without: accumulator.without,
    });
    await this.average?.update(this.optimizer.updates);
    return { results, gradientNorm: norm };
  }

  #broken(results: readonly LossResult[]): NonFiniteError {
    const losses = results.map(({ loss }) => loss);
    const names = nonFiniteGradients(this.#accumulator.gradients);
    const loss = losses.find((value) => !Number.isFinite(value)) ?? (losses[0] as number);
    return new NonFiniteError(
      loss,
      names.length === 0
        ? `the loss is ${loss}`
        : `the loss is ${loss}, and ${names.length} of its gradients are not finite (${names.slice(0, 3).join(", ")})`,
    );
  }

  async dispose(): Promise<void> {
    await this.#accumulator.dispose();
    await this.average?.dispose();
    await this.optimizer.dispose();
  }
}

/** Means of the batches' metrics, and of their losses. */
export function meanMetrics(results: readonly LossResult[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { loss, metrics } of results) {
    for (const [name, value] of Object.entries({ loss, ...metrics })) sums[name] = (sums[name] ?? 0) + value;
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / results.length]));
}
