import { level, peak, Random } from "@uat/audio";
import { expect, test } from "vitest";
import { AUDIO_CHANGES } from "./changes.ts";

const RATE = 16_000;
const tone = (hz: number, amplitude = 0.3) =>
  Float32Array.from({ length: RATE }, (_, i) => amplitude * Math.sin((2 * Math.PI * hz * i) / RATE));
const apply = (id: string, samples: Float32Array, seed = 1) =>
  AUDIO_CHANGES.find((change) => change.id === id)!.apply(samples, RATE, new Random(seed));
const decibels = (ratio: number) => 20 * Math.log10(ratio);

test.each([
  ["white-20", 20],
  ["white-10", 10],
  ["pink-20", 20],
  ["pink-10", 10],
])("%s adds noise at that ratio, the same for the same seed", (id, ratio) => {
  const samples = tone(440);
  const noisy = apply(id, samples);
  expect(decibels(level(samples) / level(noisy.map((v, i) => v - samples[i]!)))).toBeCloseTo(ratio, 1);
  expect(apply(id, samples)).toEqual(noisy);
  expect(apply(id, samples, 2)).not.toEqual(noisy);
});

test("levels change by as much, and full scale is not passed", () => {
  const samples = tone(440);
  for (const [id, change] of [
    ["gain+6", 6],
    ["gain-6", -6],
    ["gain-20", -20],
  ] as const)
    expect(decibels(level(apply(id, samples)) / level(samples))).toBeCloseTo(change, 3);
  expect(peak(apply("gain+6", tone(440, 0.9)))).toBeCloseTo(1, 5);
});

test("a resampled clip keeps its length and what the lower rate can hold", () => {
  for (const [id, kept, lost] of [
    ["rate-8000", 1000, 5000],
    ["rate-11025", 1000, 7000],
  ] as const) {
    expect(apply(id, tone(kept))).toHaveLength(RATE);
    expect(decibels(level(apply(id, tone(kept))) / level(tone(kept)))).toBeCloseTo(0, 1);
    expect(decibels(level(apply(id, tone(lost))) / level(tone(lost)))).toBeLessThan(-30);
  }
  expect(apply("rate-22050", tone(5000))).toHaveLength(RATE);
  expect(decibels(level(apply("rate-22050", tone(5000))) / level(tone(5000)))).toBeCloseTo(0, 0);
});

test("8 bits leave at most 256 values", () => {
  for (const id of ["mu-law", "pcm-8"]) {
    const values = new Set(apply(id, tone(441.7)));
    expect(values.size).toBeGreaterThan(50);
    expect(values.size).toBeLessThanOrEqual(256);
  }
});

test("a later beginning leaves the rest as it is", () => {
  const samples = tone(440);
  for (const milliseconds of [5, 10, 20])
    expect(apply(`shift-${milliseconds}`, samples)).toEqual(samples.slice((milliseconds * RATE) / 1000));
});

test("every change has a name of its own", () => {
  expect(new Set(AUDIO_CHANGES.map((change) => change.id)).size).toBe(AUDIO_CHANGES.length);
  expect(new Set(AUDIO_CHANGES.map((change) => change.name)).size).toBe(AUDIO_CHANGES.length);
});
