import { Random } from "@uat/audio";
import { expect, test } from "vitest";
import { bootstrapInterval, quantile } from "./bootstrap.ts";

const mean = (sample: readonly number[]) => sample.reduce((sum, v) => sum + v, 0) / sample.length;
const normal = (n: number, seed: number) => {
  const random = new Random(seed);
  return Array.from({ length: n }, () => random.normal());
};

test("the interval of a mean is as wide as theory says", () => {
  const values = normal(400, 1);
  const deviation = Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
  const [low, high] = bootstrapInterval(values, mean, { random: new Random(2), resamples: 4000 })!;
  const width = (2 * 1.96 * deviation) / Math.sqrt(400);
  expect((high - low) / width).toBeGreaterThan(0.93);
  expect((high - low) / width).toBeLessThan(1.07);
  expect((low + high) / 2).toBeCloseTo(mean(values), 1.5);
});

test("nineteen intervals of twenty hold the truth", () => {
  const held = Array.from({ length: 300 }, (_, i) => {
    const [low, high] = bootstrapInterval(normal(60, 100 + i), mean, { random: new Random(i), resamples: 300 })!;
    return low <= 0 && high >= 0;
  });
  const share = held.filter(Boolean).length / held.length;
  expect(share).toBeGreaterThan(0.9);
  expect(share).toBeLessThan(0.98);
});

test("clips of one speaker count as one: the interval is wider", () => {
  const values = Array.from({ length: 200 }, (_, i) => ({ speaker: `s${i % 10}`, value: (i % 10) + (i % 7) / 100 }));
  const statistic = (sample: readonly (typeof values)[number][]) => mean(sample.map((one) => one.value));
  const [low, high] = bootstrapInterval(values, statistic, { random: new Random(1) })!;
  const [lowest, highest] = bootstrapInterval(values, statistic, {
    random: new Random(1),
    cluster: (one) => one.speaker,
  })!;
  // √20 clips of a speaker tell no more than one
  expect((highest - lowest) / (high - low)).toBeGreaterThan(3);
});

test("the same generator gives the same interval; too few items have none", () => {
  const values = normal(50, 3);
  const interval = () => bootstrapInterval(values, mean, { random: new Random(9) });
  expect(interval()).toEqual(interval());
  expect(bootstrapInterval([1], mean, { random: new Random(1) })).toBeUndefined();
  expect(bootstrapInterval([1, 2], () => Number.NaN, { random: new Random(1) })).toBeUndefined();
});

test("quantiles are those of NumPy's default", () => {
  expect(quantile([1, 2, 3, 4], 0.025)).toBeCloseTo(1.075, 12);
  expect(quantile([1, 2, 3, 4], 0.975)).toBeCloseTo(3.925, 12);
  expect(quantile([5], 0.5)).toBe(5);
});

test("a handful of speakers is no sample of speakers: clips are drawn", () => {
  const values = normal(60, 4).map((value, i) => ({ value, speaker: `s${i % 9}` }));
  const statistic = (sample: readonly (typeof values)[number][]) => mean(sample.map((one) => one.value));
  const byClip = bootstrapInterval(values, statistic, { random: new Random(1) });
  const bySpeaker = bootstrapInterval(values, statistic, { random: new Random(1), cluster: (one) => one.speaker });
  expect(bySpeaker).toEqual(byClip);
});
