import { trackPitch } from "@uat/audio";
import { describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import { activeSpans, energy, level, peak } from "../levels.ts";
import { lowPass } from "../room.ts";
import { GENERATORS } from "./generators.ts";

const RATE = 16000;
const make = (name: string, seed: number, seconds = 3) => GENERATORS[name]!.make(new Random(seed), RATE, seconds);
const SEEDS = [1, 2, 3];

describe.each(Object.keys(GENERATORS))("%s", (name) => {
  const { kind } = GENERATORS[name]!;

  test("is a sound of finite samples, the same for the same seed and another for another", () => {
    const [one, again, other] = [make(name, 1), make(name, 1), make(name, 2)];
    expect(one.every(Number.isFinite)).toBe(true);
    expect(peak(one)).toBeGreaterThan(0.05);
    const bytes = (samples: Float32Array) => Buffer.from(samples.buffer);
    expect(bytes(again).equals(bytes(one))).toBe(true);
    expect(bytes(other).equals(bytes(one))).toBe(false);
  });

  if (kind === "events")
    test("is heard once, within a second and a half", () => {
      for (const seed of SEEDS) {
        expect(activeSpans(make(name, seed), RATE, { floor: 25, join: 0.1 })).toHaveLength(1);
        expect(make(name, seed).length).toBeLessThan(1.5 * RATE);
      }
    });
  else
    test("goes on for as long as it should", () => {
      for (const seconds of [3, 6]) {
        const samples = make(name, 3, seconds);
        expect(samples.length).toBe(seconds * RATE);
        const levels = Array.from({ length: seconds }, (_, s) => level(samples.subarray(s * RATE, (s + 1) * RATE)));
        expect(Math.min(...levels)).toBeGreaterThan(0.1 * Math.max(...levels));
      }
    });
});

const pitchAt = (samples: Float32Array, share: number) => {
  const f0 = trackPitch(samples, { sampleRate: RATE, hop: 80, minHz: 120, maxHz: 2500 });
  return f0[Math.round(share * (f0.length - 1))]!;
};

test("sweeps rise and fall, tones stay", () => {
  for (const seed of SEEDS) {
    const [rising, falling, beep] = ["rising-sweep", "falling-sweep", "beep"].map((n) => make(n, seed));
    expect(pitchAt(rising!, 0.8) / pitchAt(rising!, 0.2)).toBeGreaterThan(1.4);
    expect(pitchAt(falling!, 0.8) / pitchAt(falling!, 0.2)).toBeLessThan(0.7);
    expect(pitchAt(beep!, 0.8) / pitchAt(beep!, 0.2)).toBeCloseTo(1, 2);
    expect(pitchAt(make("low-tone", seed), 0.5)).toBeLessThan(290);
  }
});

/** Share of energy above `hz`. */
const above = (samples: Float32Array, hz: number) => {
  const low = lowPass(lowPass(samples, hz, RATE), hz, RATE);
  return 1 - energy(low) / energy(samples);
};

test("white noise is flat, pink falls, wind and engines are low, rain and clicks high", () => {
  expect(above(make("white-noise", 1), 4000)).toBeGreaterThan(0.45);
  expect(above(make("pink-noise", 1), 1000)).toBeLessThan(0.6);
  expect(above(make("pink-noise", 1), 1000)).toBeGreaterThan(0.1);
  expect(above(make("wind-like-noise", 1), 2000)).toBeLessThan(0.15);
  expect(above(make("engine-like-hum", 1), 1500)).toBeLessThan(0.1);
  expect(above(make("rain-like-noise", 1), 2000)).toBeGreaterThan(0.6);
  expect(above(make("click", 1), 1000)).toBeGreaterThan(0.9);
  expect(above(make("knock", 1), 2500)).toBeLessThan(0.1);
});

test("struck things ring away, ticking is regular", () => {
  for (const name of ["bell", "gong", "knock", "click"]) {
    const samples = make(name, 2);
    const half = samples.length >> 1;
    expect(energy(samples.subarray(half))).toBeLessThan(0.2 * energy(samples.subarray(0, half)));
  }
  const ticks = activeSpans(make("ticking", 4, 5), RATE, { floor: 20 }).map((s) => s.start);
  expect(ticks.length).toBeGreaterThan(6);
  const gaps = ticks.slice(1).map((t, i) => t - ticks[i]!);
  expect(Math.max(...gaps) - Math.min(...gaps)).toBeLessThan(0.02 * RATE);
});
