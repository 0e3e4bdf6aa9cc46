import { expect, test } from "vitest";
import { frameEnergy } from "./frame-energy.ts";

test("a sine's root mean square, and zeros beyond the ends", () => {
  const samples = Float32Array.from({ length: 22050 }, (_, i) => 0.8 * Math.sin((2 * Math.PI * i * 441) / 22050));
  const energy = frameEnergy(samples, { hop: 256, window: 1000 });
  expect(energy.length).toBe(86);
  // 1000 samples are 20 whole periods
  for (const e of energy.subarray(2, 84)) expect(e).toBeCloseTo(0.8 / Math.SQRT2, 6);
  expect(energy[0]!).toBeLessThan(0.8 / Math.SQRT2);
});

test("loud and silent parts do not leak beyond the window", () => {
  const samples = new Float32Array(2560).fill(1, 0, 1280);
  const energy = frameEnergy(samples, { hop: 256, window: 256 });
  expect([...energy]).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
});
