import { expect, test } from "vitest";
import { activeSpan, activeSpans, addAt, fadeEnds, level, toDecibels } from "./levels.ts";

const RATE = 16000;

/** Bursts of full-scale square wave at the given seconds, each 0.1 s long, on silence. */
function bursts(starts: readonly number[], seconds: number, amplitude = 1): Float32Array {
  const out = new Float32Array(seconds * RATE);
  for (const start of starts)
    for (let i = 0; i < 0.1 * RATE; i++) out[Math.round(start * RATE) + i] = i % 2 ? amplitude : -amplitude;
  return out;
}

test("spans are where the sound is, near ones are one", () => {
  expect(activeSpans(bursts([0.2, 0.5, 1.5], 2), RATE)).toEqual([
    { start: 3200, end: 4800 },
    { start: 8000, end: 9600 },
    { start: 24000, end: 25600 },
  ]);
  expect(activeSpans(bursts([0.2, 0.35], 1), RATE)).toEqual([{ start: 3200, end: 7200 }]);
  expect(activeSpans(bursts([0.2, 0.35], 1), RATE, { join: 0.01 })).toHaveLength(2);
  expect(activeSpan(bursts([0.2, 1.5], 2), RATE)).toEqual({ start: 3200, end: 25600 });
});

test("what lies below the floor does not count", () => {
  const samples = bursts([1], 2);
  addAt(samples, bursts([0.2], 2, 0.05), 0); // 26 dB below
  expect(activeSpans(samples, RATE, { floor: 20 })).toHaveLength(1);
  expect(activeSpans(samples, RATE, { floor: 30 })).toHaveLength(2);
});

test("silence has no span", () => {
  expect(activeSpans(new Float32Array(1000), RATE)).toEqual([]);
  expect(activeSpan(new Float32Array(0), RATE)).toBeUndefined();
});

test("the level of spans is that of their samples together", () => {
  const samples = bursts([0.2, 0.5], 1, 0.5);
  const spans = [
    { start: 3200, end: 4800 },
    { start: 8000, end: 9600 },
  ];
  expect(toDecibels(level(samples, spans))).toBeCloseTo(-6.02, 2);
  expect(level(samples)).toBeCloseTo(0.5 * Math.sqrt(0.2), 6);
  expect(level(samples, [])).toBe(0);
});

test("laying a sound past either end leaves out what does not fit", () => {
  const target = new Float32Array(4);
  addAt(target, Float32Array.of(1, 2, 3), -1);
  addAt(target, Float32Array.of(1, 2, 3), 3, 10);
  expect([...target]).toEqual([2, 3, 0, 10]);
});

test("a fade begins and ends at zero and leaves the middle alone", () => {
  const samples = new Float32Array(RATE).fill(1);
  fadeEnds(samples, RATE, 0.1);
  expect(samples[0]).toBeLessThan(1e-5);
  expect(samples[RATE - 1]).toBeLessThan(1e-5);
  expect(samples[800]).toBeCloseTo(0.5, 2);
  expect(samples[RATE / 2]).toBe(1);
});
