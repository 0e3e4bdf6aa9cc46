import { describe, expect, test } from "vitest";
import { distorted, goldens, RATE, readClip } from "./fixtures.ts";
import { logMelDistance, melCepstralDistortion, melDistances } from "./mel-distance.ts";
import { polyphaseResample } from "./polyphase-resample.ts";
import { siSdr } from "./si-sdr.ts";
import { extendedStoi, stoi } from "./stoi.ts";

describe.each(Object.keys(goldens.clips))("%s and its copies", async (name) => {
  const samples = await readClip(name);
  const copies = Object.entries(goldens.clips[name]!.copies).map(
    ([copy, want]) => [copy, want, distorted(name, copy, samples)] as const,
  );

  test.each(copies)("SI-SDR as torchmetrics has it: %s", (_, want, copy) => {
    expect(Math.abs(siSdr(samples, copy) - want.siSdr)).toBeLessThan(2e-4);
  });

  test.each(copies)("STOI and extended STOI as pystoi has them: %s", (_, want, copy) => {
    expect(Math.abs(stoi(samples, copy, RATE) - want.stoi)).toBeLessThan(1e-6);
    expect(Math.abs(extendedStoi(samples, copy, RATE) - want.estoi)).toBeLessThan(1e-6);
  });

  test.each(copies)("distances of mels as by librosa and SciPy: %s", (_, want, copy) => {
    const { logMel, cepstral } = melDistances(samples, copy, 22050);
    expect(Math.abs(logMel - want.melDistance)).toBeLessThan(1e-4);
    expect(Math.abs(cepstral / want.melCepstralDistortion - 1)).toBeLessThan(1e-4);
  });
});

test("copies and silence", () => {
  const samples = Float32Array.from({ length: RATE }, (_, i) => 0.3 * Math.sin(i * i * 1e-5));
  const silent = new Float32Array(RATE);
  expect(siSdr(samples, samples)).toBeGreaterThan(100);
  expect(siSdr(silent, samples)).toBeNaN();
  expect(stoi(samples, samples, RATE)).toBeCloseTo(1, 9);
  expect(stoi(samples.subarray(0, 3000), samples, RATE)).toBeNaN();
  expect(extendedStoi(new Float32Array(0), samples, RATE)).toBeNaN();
  expect(logMelDistance(samples, samples, RATE)).toBe(0);
  expect(melCepstralDistortion(samples, samples.subarray(0, 100), RATE)).toBeNaN();
});

test("resampling keeps a tone and drops what is above half the new rate", () => {
  const tone = (hz: number, rate: number, n: number) =>
    Float32Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * hz * i) / rate));
  const low = polyphaseResample(tone(1000, 16000, 8000), 16000, 10000);
  expect(low.length).toBe(5000);
  const want = tone(1000, 10000, 5000);
  for (let i = 500; i < 4500; i++) expect(Math.abs(low[i]! - want[i]!)).toBeLessThan(2e-3);
  const high = polyphaseResample(tone(6000, 16000, 8000), 16000, 10000);
  for (let i = 500; i < 4500; i++) expect(Math.abs(high[i]!)).toBeLessThan(2e-3);
});
