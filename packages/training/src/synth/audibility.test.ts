import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { audibleShares, cellEnergies, HEARD, type Part, settle } from "./audibility.ts";
import { fromDecibels } from "./levels.ts";

const RATE = 16000;
const noise = (seed: number) => {
  const random = new Random(seed);
  return cellEnergies(
    Float32Array.from({ length: RATE }, () => 0.1 * random.normal()),
    RATE,
  );
};
const tone = (hz: number) =>
  cellEnergies(
    Float32Array.from({ length: RATE }, (_, i) => 0.1 * Math.sin((2 * Math.PI * hz * i) / RATE)),
    RATE,
  );

test("sounds of different pitch do not hide each other; a sound far below another of its kind is hidden", () => {
  const apart = audibleShares([
    { cells: tone(400), gain: 1 },
    { cells: tone(3000), gain: 0.01 },
  ]);
  expect(apart[0]).toBeGreaterThan(0.99);
  expect(apart[1]).toBeGreaterThan(0.9);
  const alike = audibleShares([
    { cells: noise(1), gain: 1 },
    { cells: noise(2), gain: 0.1 },
  ]);
  expect(alike[0]).toBeGreaterThan(0.99);
  expect(alike[1]).toBeLessThan(0.01);
});

const part = (cells: Float64Array, snr: number, range: readonly [number, number], isSpeech = false): Part => ({
  cells,
  snr,
  range,
  isSpeech,
});
const gainAt = (_: number, snr: number) => fromDecibels(-snr);

test("what is hidden is raised within its range, else left out", () => {
  const loud = part(noise(1), 0, [0, 0]);
  expect(settle([loud, part(noise(2), 20, [-10, 20])], gainAt)[1]).toBeLessThan(8);
  expect(settle([loud, part(noise(2), 20, [12, 20])], gainAt)).toEqual([0, undefined]);
});

test("what drowns speech is lowered within its range, else left out", () => {
  const speech = part(noise(1), 0, [0, 0], true);
  // two noises of one level hide half of each other: never all is heard, so the ratio must rise
  const [, snr] = settle([speech, part(noise(2), -10, [-10, 4])], gainAt);
  expect(snr).toBeGreaterThan(-10);
  const shares = audibleShares([
    { cells: speech.cells, gain: 1 },
    { cells: noise(2), gain: fromDecibels(-snr!) },
  ]);
  expect(shares[0]).toBeGreaterThanOrEqual(HEARD.speech);
  expect(shares[1]).toBeGreaterThanOrEqual(HEARD.sound);
  expect(settle([speech, part(noise(2), -20, [-20, -15])], gainAt)).toEqual([0, undefined]);
});

test("what is heard stays as it was drawn", () => {
  expect(
    settle([part(tone(300), 0, [0, 0], true), part(tone(1500), 7, [0, 20]), part(tone(4000), 11, [0, 20])], gainAt),
  ).toEqual([0, 7, 11]);
});
