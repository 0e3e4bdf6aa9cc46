import { expect, test } from "vitest";
import { formatDuration, formatProgress } from "./progress.ts";

const state = {
  step: 1240,
  totalSteps: 20_000,
  loss: 2.31416,
  learningRates: [1e-5, 6e-4, 2e-4],
  usage: 0.871,
  gamma: 0.4321,
  gradientNorm: 0.9149,
  samplesPerSecond: 38.24,
  secondsLeft: 4350,
};

test("all of it, in one line", () => {
  expect(formatProgress(state)).toBe(
    "1,240/20,000 · loss 2.314 · lr 1e−5/6e−4/2e−4 · codes 87 % · γ 0.432 · |g| 0.915 · 38.2 samples/s · 1 h 12 min left",
  );
});

test("a narrow terminal gets what matters most", () => {
  expect(formatProgress(state, 60)).toBe("1,240/20,000 · loss 2.314 · 38.2 samples/s · 1 h 12 min left");
  expect(formatProgress(state, 30)).toBe("1,240/20,000 · loss 2.314");
  expect(formatProgress(state, 3)).toBe("1,240/20,000");
  for (let width = 12; width < 140; width++) expect(formatProgress(state, width).length).toBeLessThanOrEqual(width);
});

test("what is not known is not shown", () => {
  expect(formatProgress({ step: 0, totalSteps: 10, learningRates: [] })).toBe("0/10");
  expect(formatProgress({ step: 1, totalSteps: 10, learningRates: [], loss: Number.NaN })).toBe("1/10 · loss NaN");
});

test.each([
  [0, "0 s"],
  [0.4, "0 s"],
  [59.6, "1 min"],
  [61, "1 min 1 s"],
  [3600, "1 h"],
  [7260, "2 h 1 min"],
  [90_000, "1 d 1 h"],
])("%s seconds are %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
