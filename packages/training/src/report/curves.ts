/**
 * Curves of a run at a bounded size. A curve keeps at most 512 buckets of equal width in steps; each knows its mean and
 * its extremes, so that a spike of one step shows in a curve of a hundred thousand.
 */
import type { MetricRow } from "./metrics-log.ts";

const MOST_BUCKETS = 512;

/** Values of neighbouring steps. */
export interface Bucket {
  /** The first and the last step with a value. */
  readonly first: number;
  readonly step: number;
  /** Of the finite values; NaN where there is none. */
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** Values that are NaN or infinite. */
  readonly broken: number;
}

interface Sums {
  first: number;
  step: number;
  sum: number;
  count: number;
  min: number;
  max: number;
  broken: number;
}

/** One metric of one split over the steps. */
export class Curve {
  #width = 1;
  #buckets: Sums[] = [];
  #last: number | undefined;
  #best: { value: number; step: number } | undefined;

  /** Adds the value of a step; steps do not go back. */
  add(step: number, value: number): void {
    const finite = Number.isFinite(value);
    if (finite) {
      this.#last = value;
      if (this.#best === undefined || value < this.#best.value) this.#best = { value, step };
    }
    const sums: Sums = finite
      ? { first: step, step, sum: value, count: 1, min: value, max: value, broken: 0 }
      : { first: step, step, sum: 0, count: 0, min: Infinity, max: -Infinity, broken: 1 };
    this.#append(sums);
    while (this.#buckets.length > MOST_BUCKETS) {
      this.#width *= 2;
      const finer = this.#buckets;
      this.#buckets = [];
      for (const bucket of finer) this.#append(bucket);
    }
  }

  buckets(): Bucket[] {
    return this.#buckets.map(({ first, step, sum, count, min, max, broken }) => ({
      first,
      step,
      mean: count ? sum / count : Number.NaN,
      min: count ? min : Number.NaN,
      max: count ? max : Number.NaN,
      broken,
    }));
  }

  /** The newest finite value. */
  get last(): number | undefined {
    return this.#last;
  }

  /** The smallest value and its step. */
  get smallest(): { readonly value: number; readonly step: number } | undefined {
    return this.#best;
  }

  #append(next: Sums): void {
    const last = this.#buckets.at(-1);
    if (last === undefined || Math.floor(last.first / this.#width) !== Math.floor(next.first / this.#width)) {
      this.#buckets.push(next);
      return;
    }
    last.step = next.step;
    last.sum += next.sum;
    last.count += next.count;
    last.min = Math.min(last.min, next.min);
    last.max = Math.max(last.max, next.max);
    last.broken += next.broken;
  }
}

/** Rows without a split are of this one. */
export const TRAIN = "train";

/** All curves of a run, by metric and split, in the order in which they first appeared. */
export class Curves {
  readonly #curves = new Map<string, Map<string, Curve>>();
  #first = Number.POSITIVE_INFINITY;
  #step = 0;

  /** Takes the numbers of a row; texts stay in the log. */
  add(row: MetricRow): void {
    this.#first = Math.min(this.#first, row.step);
    this.#step = Math.max(this.#step, row.step);
    const split = row.split ?? TRAIN;
    for (const [name, value] of Object.entries(row)) {
      if (name === "step" || typeof value !== "number") continue;
      let splits = this.#curves.get(name);
      if (splits === undefined) this.#curves.set(name, (splits = new Map()));
      let curve = splits.get(split);
      if (curve === undefined) splits.set(split, (curve = new Curve()));
      curve.add(row.step, value);
    }
  }

  /** The first step of any row. */
  get first(): number {
    return this.#first;
  }

  /** The last step of any row. */
  get step(): number {
    return this.#step;
  }

  names(): string[] {
    return [...this.#curves.keys()];
  }

  /** Curves of a metric by split. */
  splits(name: string): ReadonlyMap<string, Curve> {
    return this.#curves.get(name) ?? new Map();
  }
}
