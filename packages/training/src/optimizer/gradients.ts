/** Gradients of a step: their norm, clipping, and sums over micro-batches. */
import type { Runtime } from "@uat/graph";
import { InPlaceUpdate } from "./in-place-update.ts";
import type { ParameterArena } from "./parameter-arena.ts";

/**
 * Euclidean norm over all gradients. Squares are summed in float64, where those of float32 neither overflow nor lose the
 * small ones among 10⁹ others. NaN or Infinity when any gradient is.
 */
export function gradientNorm(gradients: ParameterArena): number {
  return Math.sqrt(sumOfSquares(gradients.values));
}

/** Four sums, because each addition waits for the one before it in the same sum. */
function sumOfSquares(x: Float32Array): number {
  const whole = x.length - (x.length % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < whole; i += 4) {
    const x0 = x[i] as number;
    const x1 = x[i + 1] as number;
    const x2 = x[i + 2] as number;
    const x3 = x[i + 3] as number;
    a += x0 * x0;
    b += x1 * x1;
    c += x2 * x2;
    d += x3 * x3;
  }
  for (let i = whole; i < x.length; i++) a += (x[i] as number) ** 2;
  return a + b + (c + d);
}

/** Names of parameters whose gradient has a value that is not finite. */
export function nonFiniteGradients(gradients: ParameterArena): string[] {
  return gradients.entries
    .filter(({ name }) => !Number.isFinite(sumOfSquares(gradients.view(name))))
    .map(({ name }) => name);
}

/** What gradients of norm `norm` are multiplied by so that theirs is at most `maximum` (as torch's clip_grad_norm_). */
export function clipCoefficient(norm: number, maximum: number): number {
  return Math.min(1, maximum / (norm + 1e-6));
}

/**
 * Sums the gradients of several micro-batches. The first writes straight into `gradients`; a second arena exists only
 * once there is a second micro-batch. The mean is had at no cost by `scale: 1 / count` of the optimiser's step.
 */
export class GradientAccumulator {
  readonly gradients: ParameterArena;
  readonly #add: InPlaceUpdate<"sum" | "term", never>;
  #term: ParameterArena | undefined;
  #count = 0;
  #without: ReadonlySet<string> = new Set();

  private constructor(gradients: ParameterArena, add: InPlaceUpdate<"sum" | "term", never>) {
    this.gradients = gradients;
    this.#add = add;
  }

  /** @param runtime one that runs on the calling thread. */
  static async create(runtime: Runtime, gradients: ParameterArena): Promise<GradientAccumulator> {
    const add = await InPlaceUpdate.compile(runtime, "gradient_sum", ["sum", "term"], [], ({ sum, term }) => ({
      sum: sum.add(term),
    }));
    return new GradientAccumulator(gradients, add);
  }

  /** Micro-batches summed so far. */
  get count(): number {
    return this.#count;
  }

  /** Parameters that no micro-batch gave a gradient; their places are 0. */
  get without(): ReadonlySet<string> {
    return this.#without;
  }

  /** Where the next micro-batch writes its gradients, over what is there. */
  get target(): ParameterArena {
    return this.#count === 0 ? this.gradients : (this.#term ??= this.gradients.companion());
  }

  /**
   * Takes in what was written to `target`.
   * @param without parameters that got no gradient this time: whatever their places hold counts as 0.
   */
  async add(without: ReadonlySet<string> = new Set()): Promise<void> {
    const { target } = this;
    for (const name of without) target.view(name).fill(0);
    this.#without = this.#count === 0 ? without : new Set([...this.#without].filter((name) => without.has(name)));
    if (this.#count++ === 0) return;
    const term = { values: target.values, start: 0 };
    const sum = { values: this.gradients.values, start: 0 };
    await this.#add.run(sum.values.length, { sum, term }, {});
  }

  /** Begins the next step. */
  reset(): void {
    this.#count = 0;
    this.#without = new Set();
  }

  dispose(): Promise<void> {
    return this.#add.dispose();
  }
}
