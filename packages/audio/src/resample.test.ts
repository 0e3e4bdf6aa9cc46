import { describe, expect, it } from "vitest";
import { AudioError } from "./errors.ts";
import { fixtureArray, fixtureJson, maxDifference } from "./node-fixtures.ts";
import { Resampler, resample } from "./resample.ts";

const meta = fixtureJson<{ output_lengths: Record<string, Record<string, number>>; cases: Record<string, unknown> }>(
  "features/resample/meta.json",
);

describe("resample", () => {
  for (const rate of Object.keys(meta.cases)) {
    const input = fixtureArray(`features/resample/${rate}_in.npy`);
    const output = fixtureArray(`features/resample/${rate}_out.npy`);
    const [channels, n] = input.shape as [number, number];
    const m = output.shape[1]!;

    it(`${rate} Hz equals torchaudio within 1e-5`, () => {
      for (let c = 0; c < channels; c++) {
        const got = resample(input.data.subarray(c * n, (c + 1) * n), Number(rate), 16000);
        const d = maxDifference(got, output.data.subarray(c * m, (c + 1) * m));
        expect(d).toBeLessThan(1e-5);
      }
    });

    it(`${rate} Hz in uneven blocks equals one call exactly`, () => {
      const x = input.data.subarray(0, n);
      const whole = resample(x, Number(rate), 16000);
      const resampler = new Resampler(Number(rate), 16000);
      const parts: number[] = [];
      let at = 0;
      for (const size of [0, 1, 2, 7, 100, 1000, 3, 5000, n]) {
        parts.push(...resampler.push(x.subarray(at, at + size)));
        at = Math.min(n, at + size);
      }
      parts.push(...resampler.flush());
      expect(maxDifference(parts, whole)).toBe(0);
    });
  }

  for (const [rate, lengths] of Object.entries(meta.output_lengths)) {
    it(`${rate} Hz gives torchaudio's lengths`, () => {
      for (const [n, expected] of Object.entries(lengths)) {
        expect(resample(new Float32Array(Number(n)), Number(rate), 16000).length).toBe(expected);
      }
    });
  }

  it("keeps equal rates and empty input", () => {
    expect([...resample(Float32Array.of(1, 2), 16000, 16000)]).toEqual([1, 2]);
    expect(resample(new Float32Array(0), 44100, 16000).length).toBe(0);
  });

  it("refuses absurd rates", () => {
    for (const rate of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1, 44100.5, 4294967295]) {
      expect(() => resample(new Float32Array(10), rate, 16000)).toThrow(AudioError);
      expect(() => resample(new Float32Array(10), 16000, rate)).toThrow(AudioError);
    }
    expect(() => new Resampler(767999, 767998)).toThrow(/taps/);
  });

  it("converts ten minutes of 44.1 kHz in bounded blocks quickly", () => {
    const resampler = new Resampler(44100, 16000);
    const block = new Float32Array(65536).fill(0.1);
    const start = performance.now();
    let n = 0;
    for (let i = 0; i < 404; i++) n += resampler.push(block).length;
    n += resampler.flush().length;
    expect(n).toBe(Math.ceil((404 * 65536 * 160) / 441));
    expect(performance.now() - start).toBeLessThan(10000);
  });
});
