import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../random.ts";
import { convolve } from "./convolve.ts";
import { energy, level } from "./levels.ts";
import { drawPath, lowPass, reverberantTail, travel } from "./room.ts";

const RATE = 16000;
const noise = (length: number, seed: number) => {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.normal());
};
const sine = (hz: number, seconds = 1) =>
  Float32Array.from({ length: seconds * RATE }, (_, i) => Math.sin((2 * Math.PI * hz * i) / RATE));

test("convolution equals its defining sum", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 700 }), (n, k) => {
      const [signal, kernel] = [noise(n, n), noise(k, k + 1)];
      const out = convolve(signal, kernel);
      expect(out).toHaveLength(n + k - 1);
      for (const at of [0, n >> 1, n - 1, n + k - 2]) {
        let sum = 0;
        for (let j = 0; j < k; j++) sum += (signal[at - j] ?? 0) * kernel[j]!;
        expect(out[at]).toBeCloseTo(sum, 3);
      }
    }),
    { numRuns: 25 },
  );
  expect(convolve(new Float32Array(0), Float32Array.of(1))).toHaveLength(0);
});

test("convolution over many blocks is exact too", () => {
  const signal = noise(100_000, 1);
  const kernel = new Float32Array(9000);
  kernel[8999] = 0.5;
  const out = convolve(signal, kernel);
  for (let i = 0; i < signal.length; i += 997) expect(out[i + 8999]).toBeCloseTo(0.5 * signal[i]!, 5);
});

test.each([0.2, 0.5, 1.2])("a tail of %d s decays by 60 dB in that time", (seconds) => {
  const tail = reverberantTail(seconds, RATE, new Random(3));
  // Schroeder's backward integration; the decay from -5 to -25 dB, times three (ISO 3382)
  const left = new Float64Array(tail.length + 1);
  for (let i = tail.length - 1; i >= 0; i--) left[i] = left[i + 1]! + tail[i]! ** 2;
  const at = (decibels: number) => left.findIndex((e) => e < left[0]! * 10 ** (decibels / 10)) / RATE;
  expect((3 * (at(-25) - at(-5))) / seconds).toBeGreaterThan(0.9);
  expect((3 * (at(-25) - at(-5))) / seconds).toBeLessThan(1.1);
});

test("the low-pass has unit gain below, -3 dB at and -24 dB two octaves above its cut-off", () => {
  const gain = (hz: number) => 20 * Math.log10(level(lowPass(sine(hz), 1000, RATE).subarray(RATE / 2)) * Math.SQRT2);
  expect(gain(50)).toBeCloseTo(0, 1);
  expect(gain(1000)).toBeCloseTo(-3.01, 1);
  expect(gain(4000)).toBeLessThan(-24);
});

test.each(["near", "medium", "far"] as const)(
  "a %s sound has the ratio of direct to reverberant energy it was given",
  (distance) => {
    const random = new Random(5);
    const path = drawPath(distance, 0.4, random);
    const { direct, wet } = travel(noise(RATE, 8), path, RATE, random);
    const rest = wet.slice();
    for (let i = 0; i < direct.length; i++) rest[i] = rest[i]! - direct[i]!;
    expect(10 * Math.log10(energy(direct) / energy(rest))).toBeCloseTo(path.directToReverberant!, 3);
  },
);

test("only what is far loses its highs, and without a room nothing is added", () => {
  const random = new Random(6);
  const dry = noise(RATE, 9);
  expect(travel(dry, drawPath("near", undefined, random), RATE, random).wet).toEqual(dry);
  const { direct } = travel(dry, drawPath("far", 0.4, random), RATE, random);
  const highs = (x: Float32Array) => {
    const low = lowPass(x, 3500, RATE);
    return energy(x.map((v, i) => v - low[i]!)) / energy(x);
  };
  expect(highs(direct)).toBeLessThan(0.25 * highs(dry));
});
