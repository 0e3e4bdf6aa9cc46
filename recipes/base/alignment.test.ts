import { expect, it } from "vitest";
import {
  asConvolution,
  MEL_BINS,
  melFrames,
  SUBFRAMES,
  subframeOfFrame,
  subframeTargets,
  windows,
} from "./alignment.ts";

it("gives one second 86 mel frames, each from the sub-frame it falls in", () => {
  expect(melFrames(25)).toBe(86);
  const rows = subframeOfFrame(25);
  expect(rows.length).toBe(86);
  expect([...rows.slice(0, 5)]).toEqual([0, 1, 2, 4, 5]);
  expect(rows.at(-1)).toBe(99);
  for (let i = 1; i < rows.length; i++) expect(rows[i]! - rows[i - 1]!).toBeGreaterThanOrEqual(1);
});

it("reads a ramp in time exactly between the ends", () => {
  const frames = melFrames(10);
  const mel = new Float32Array(frames * MEL_BINS);
  for (const i of mel.keys()) mel[i] = ((i % frames) + 0.5) * (256 / 22050);
  const targets = subframeTargets(mel, frames, 10);
  for (let s = 1; s < 10 * SUBFRAMES - 1; s++) expect(targets[s * MEL_BINS + 7]).toBeCloseTo((s + 0.5) / 100, 5);
});

it("makes windows that a convolution reproduces", () => {
  const d = 2;
  const vectors = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  const x = windows(vectors, 5, d);
  expect([...x.slice(0, 14)]).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
  const weight = Float32Array.from({ length: 14 }, (_, i) => i + 1);
  const kernel = asConvolution(weight, 1, d);
  for (let t = 0; t < 5; t++) {
    let flat = 0;
    for (let i = 0; i < 14; i++) flat += weight[i]! * x[t * 14 + i]!;
    let convolved = 0;
    for (let j = 0; j < d; j++)
      for (let w = 0; w < 7; w++) convolved += kernel[j * 7 + w]! * (vectors[(t + w - 3) * d + j] ?? 0);
    expect(convolved).toBe(flat);
  }
});
