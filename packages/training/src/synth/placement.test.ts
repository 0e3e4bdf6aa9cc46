import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { level } from "./levels.ts";
import { looped, placeContinuous, placeEvent } from "./placement.ts";
import { drawPath } from "./room.ts";

const RATE = 16000;
const burst = (seconds: number) => Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => Math.sin(i / 3));
const speech = { whole: { start: 1.4 * RATE, end: 3.1 * RATE }, heard: { start: 1.5 * RATE, end: 3 * RATE } };

test("occurrences keep apart, within the scene, all on one side of the speech or within it", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1e6 }),
      fc.integer({ min: 3, max: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      (seed, hundredths, times, speaks) => {
        const random = new Random(seed);
        const stage = { length: 5 * RATE, sampleRate: RATE, speech: speaks ? speech : undefined, random };
        const placed = placeEvent(
          burst(hundredths / 100),
          drawPath("medium", undefined, random),
          [times, times],
          stage,
        )!;
        expect(placed.spans.length).toBeGreaterThan(0);
        expect(placed.spans.length).toBeLessThanOrEqual(times);
        for (const [i, { start, end }] of placed.spans.entries()) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeLessThanOrEqual(5 * RATE);
          if (i > 0) expect(start - placed.spans[i - 1]!.end).toBeGreaterThanOrEqual(0.15 * RATE - 1);
        }
        if (!speaks) return;
        const [first, last] = [placed.spans[0]!, placed.spans.at(-1)!];
        const before = last.end <= speech.whole.start;
        const after = first.start >= speech.whole.end;
        const during = first.start >= speech.heard.start && last.end <= speech.heard.end;
        expect([before, after, during].filter(Boolean)).toHaveLength(1);
      },
    ),
  );
});

test("a clip of several bursts is laid down once and never counted", () => {
  const random = new Random(1);
  const clip = new Float32Array(RATE);
  for (const at of [0, 0.4, 0.8]) clip.set(burst(0.1), at * RATE);
  const stage = { length: 5 * RATE, sampleRate: RATE, speech: undefined, random };
  const placed = placeEvent(clip, drawPath("medium", undefined, random), [3, 3], stage)!;
  expect(placed.countable).toBe(false);
  expect(placed.spans).toHaveLength(1);
});

test("what is longer than half of the scene is cut", () => {
  const random = new Random(1);
  const stage = { length: 2 * RATE, sampleRate: RATE, speech: undefined, random };
  const [span] = placeEvent(burst(5), drawPath("medium", undefined, random), [1, 1], stage)!.spans;
  expect((span!.end - span!.start) / RATE).toBeCloseTo(1, 1);
});

test("a continuous sound fills the scene, or leaves a quarter to a half of it at one end", () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed);
    const stage = { length: 4 * RATE, sampleRate: RATE, speech: undefined, random };
    const path = drawPath("medium", undefined, random);
    const [whole] = placeContinuous(burst(1), path, 0, stage)!.spans;
    expect([whole!.start, whole!.end]).toEqual([0, 4 * RATE]);
    const [part] = placeContinuous(burst(9), path, 1, stage)!.spans;
    const missing = 1 - (part!.end - part!.start) / (4 * RATE);
    expect(missing).toBeGreaterThan(0.24);
    expect(missing).toBeLessThan(0.52);
    expect(part!.start < 0.01 * RATE || part!.end > 3.99 * RATE).toBe(true);
  }
});

test("repeating a clip of noise keeps its level through the cross-fades", () => {
  const random = new Random(7);
  const noise = Float32Array.from({ length: RATE }, () => random.normal());
  const out = looped(noise, 5 * RATE, 0.05 * RATE);
  expect(out).toHaveLength(5 * RATE);
  for (let s = 0; s < 50; s++) {
    const here = level(out.subarray((s * RATE) / 10, ((s + 1) * RATE) / 10));
    expect(here).toBeGreaterThan(0.85);
    expect(here).toBeLessThan(1.15);
  }
});
