/**
 * Confidence intervals by resampling what was measured (Efron, 1979): the statistic is computed on many samples drawn
 * with replacement, and the middle 95 % of its values is the interval (percentile method). Where several clips share a
 * speaker they depend on each other, and whole speakers are drawn (cluster bootstrap; Field and Welsh, 2007).
 */
import type { Random } from "@uat/audio";

export interface BootstrapOptions<T> {
  /** `context.random("…")`. */
  readonly random: Random;
  /** Samples drawn; 1,000 by default. */
  readonly resamples?: number;
  /**
   * Items with the same cluster are drawn together; an item without one is a cluster of its own. With fewer than
   * {@link FEWEST_CLUSTERS} clusters single items are drawn: an interval from a handful of speakers would mean nothing,
   * and one for these very speakers means something.
   */
  readonly cluster?: ((item: T) => string | undefined) | undefined;
}

export const FEWEST_CLUSTERS = 10;

/**
 * 95 % interval of a statistic of the items. The statistic sees a list of items, so ratios of sums (word error rate)
 * come out as they should.
 * @returns [low, high]; undefined with fewer than two items, or where the statistic is never finite.
 */
export function bootstrapInterval<T>(
  items: readonly T[],
  statistic: (sample: readonly T[]) => number,
  { random, resamples = 1000, cluster }: BootstrapOptions<T>,
): readonly [low: number, high: number] | undefined {
  const grouped = clusters(items, cluster);
  const groups = grouped.length < FEWEST_CLUSTERS ? items.map((item) => [item]) : grouped;
  if (groups.length < 2) return undefined;
  const values: number[] = [];
  for (let i = 0; i < resamples; i++) {
    const sample: T[] = [];
    for (let k = 0; k < groups.length; k++) for (const item of groups[random.below(groups.length)]!) sample.push(item);
    const value = statistic(sample);
    if (Number.isFinite(value)) values.push(value);
  }
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  return [quantile(values, 0.025), quantile(values, 0.975)];
}

function clusters<T>(items: readonly T[], cluster: BootstrapOptions<T>["cluster"]): T[][] {
  const named = new Map<string, T[]>();
  const groups: T[][] = [];
  for (const item of items) {
    const name = cluster?.(item);
    let group = name === undefined ? undefined : named.get(name);
    if (group === undefined) {
      group = [];
      groups.push(group);
      if (name !== undefined) named.set(name, group);
    }
    group.push(item);
  }
  return groups;
}

/** Linear between the two nearest of sorted values, as NumPy's default. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const below = sorted[low]!;
  const above = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return below + (at - low) * (above - below);
}
