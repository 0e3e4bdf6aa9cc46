import { Random } from "@uat/audio";
import { expect, test } from "vitest";
import { measureSeams } from "./seams.ts";

const RATE = 22_050;
const random = new Random(4);
const noise = Float32Array.from({ length: 10 * RATE }, () => random.normal());

/** Ten seconds of a melody over a little noise: a new tone every quarter of a second, from `shift` samples on. */
function melody(shift = 0): Float32Array {
  return noise.map((n, i) => {
    const t = (i + shift) / RATE;
    const note = Math.floor(4 * t);
    const hertz = 220 * 2 ** (((7 * note) % 12) / 12);
    return 0.2 * Math.sin(2 * Math.PI * hertz * t) * Math.sin(4 * Math.PI * (t - note / 4)) ** 0.5 + 0.002 * n;
  });
}

const whole = melody();
/** Joins in the middle of tones, half a second apart. */
const JOINS = Array.from({ length: 18 }, (_, i) => Math.round((0.625 + i / 2) * RATE));

/** The melody in chunks, each changed by what a bad decoder might do. */
const chunks = (change: (chunk: Float32Array, index: number) => Float32Array = (c) => c) =>
  [0, ...JOINS].map((start, i) => change(whole.slice(start, JOINS[i]), i));

test("audio that was only cut has joins like any other place", () => {
  const { joins, step, flux, rank, ownRank } = measureSeams(chunks(), whole);
  expect(joins).toBe(18);
  expect(step).toBeLessThanOrEqual(1);
  expect(flux).toBeLessThanOrEqual(1);
  expect(rank).toBeLessThan(0.9);
  expect(ownRank).toBe(rank);
});

test("a constant that comes and goes is a step", () => {
  const { step } = measureSeams(
    chunks((c, i) => (i % 2 ? c.map((x) => x + 0.15) : c)),
    whole,
  );
  expect(step).toBeGreaterThan(1);
});

test.each<[string, (chunk: Float32Array, index: number) => Float32Array]>([
  ["5 ms of silence at every join", (c) => c.map((x, i) => (i < RATE / 200 ? 0 : x))],
  ["a tone that starts anew", (c, i) => (i % 2 ? c.map((x) => -x) : c)],
  ["a click of a tenth", (c) => c.map((x, i) => (i === 0 ? x + 0.1 : x))],
  ["hiss that begins with every other chunk", (c, k) => (k % 2 ? c.map((x, i) => x + 0.05 * noise[i]!) : c)],
])("%s changes the spectrum more than the melody does", (_, change) => {
  const { flux, rank, ownRank } = measureSeams(chunks(change), whole);
  expect(flux).toBeGreaterThan(1);
  expect(rank).toBeGreaterThan(0.9);
  expect(ownRank).toBe(measureSeams(chunks(), whole).ownRank);
});

test("one bad join among good ones is found", () => {
  const { flux } = measureSeams(
    chunks((c, i) => (i === 9 ? c.map((x, k) => (k < 300 ? 0.2 * noise[k]! : x)) : c)),
    whole,
  );
  expect(flux).toBeGreaterThan(1);
});

test("too little to measure is told", () => {
  expect(() => measureSeams([whole], whole)).toThrow(/1 chunks of .* expected a join/);
  expect(() => measureSeams([whole.slice(0, 300), whole.slice(0, 300)], whole)).toThrow(/decode more/);
});
