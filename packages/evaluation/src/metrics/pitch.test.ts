import { describe, expect, test } from "vitest";
import { addPairSums, correlation, pairSums } from "./correlation.ts";
import {
  comparePitch,
  energyCorrelation,
  energyCorrelationOf,
  f0Correlation,
  f0CorrelationOf,
  grossPitchError,
  joinPitch,
  voicingError,
  voicingErrorOf,
} from "./pitch.ts";

const RATE = 16000;

/** A voice with the given melody (Hz) and loudness over one second. */
function voice(hz: (s: number) => number, level: (s: number) => number = () => 0.3): Float32Array {
  let phase = 0;
  return Float32Array.from({ length: RATE }, (_, i) => {
    phase += (2 * Math.PI * hz(i / RATE)) / RATE;
    return level(i / RATE) * (Math.sin(phase) + 0.5 * Math.sin(2 * phase) + 0.2 * Math.sin(3 * phase));
  });
}
const rising = (s: number) => 120 + 80 * s;
const wave = (s: number) => 150 * 2 ** (0.2 * Math.sin(2 * Math.PI * 3 * s));

describe("pitch", () => {
  test("a copy and a transposed copy keep the melody", () => {
    expect(f0Correlation(voice(wave), voice(wave), RATE)).toBeCloseTo(1, 9);
    expect(
      f0Correlation(
        voice(wave),
        voice((s) => 1.4 * wave(s)),
        RATE,
      ),
    ).toBeGreaterThan(0.999);
    expect(
      grossPitchError(
        voice(wave),
        voice((s) => 1.15 * wave(s)),
        RATE,
      ),
    ).toBe(0);
    expect(
      grossPitchError(
        voice(wave),
        voice((s) => 1.4 * wave(s)),
        RATE,
      ),
    ).toBe(1);
  });

  test("a melody that mirrors the original's", () => {
    expect(
      f0Correlation(
        voice(wave),
        voice((s) => 150 ** 2 / wave(s)),
        RATE,
      ),
    ).toBeLessThan(-0.99);
  });

  test("a melody that does not depend on the original's: log f0 is what is correlated", () => {
    // sines of 1.5 and 3 periods a second over one second are orthogonal
    const other = (s: number) => 150 * 2 ** (0.2 * Math.sin(2 * Math.PI * 6 * s));
    expect(Math.abs(f0Correlation(voice(wave), voice(other), RATE))).toBeLessThan(0.1);
  });

  test("silence has no melody", () => {
    const melody = f0Correlation(new Float32Array(RATE), new Float32Array(RATE), RATE);
    expect(melody).toBeNaN();
  });

  test("voicing errors are counted over all frames", () => {
    const half = (s: number) => (s < 0.5 ? 0.3 : 0);
    expect(voicingError(voice(rising), voice(rising), RATE)).toBe(0);
    const error = voicingError(voice(rising), voice(rising, half), RATE);
    expect(error).toBeGreaterThan(0.46);
    expect(error).toBeLessThan(0.52);
    expect(voicingError(voice(rising, half), voice(rising), RATE)).toBeCloseTo(error, 1);
  });

  test("loudness: a gain changes nothing, another course does", () => {
    const swelling = (s: number) => 0.02 + 0.2 * s;
    const original = voice(rising, swelling);
    expect(
      energyCorrelation(
        original,
        original.map((v) => 0.3 * v),
        RATE,
      ),
    ).toBeCloseTo(1, 6);
    expect(
      energyCorrelation(
        original,
        voice(rising, (s) => 0.22 - 0.2 * s),
        RATE,
      ),
    ).toBeLessThan(-0.8);
  });

  test("other rates and lengths: the common part counts", () => {
    const c = comparePitch(voice(rising), voice(rising).subarray(0, RATE / 2), RATE);
    expect(c.frames).toBe(50);
    expect(f0CorrelationOf(c)).toBeGreaterThan(0.99);
    expect(voicingError(new Float32Array(0), new Float32Array(0), RATE)).toBeNaN();
  });

  test("clips are pooled by their frames", () => {
    const low = comparePitch(voice(wave), voice(wave), RATE);
    const high = comparePitch(
      voice((s) => 2 * wave(s)),
      new Float32Array(2 * RATE),
      RATE,
    );
    const both = joinPitch([low, high]);
    expect(both.frames).toBe(200);
    expect(both.logF0).toEqual(low.logF0);
    expect(voicingErrorOf(both)).toBeCloseTo((voicingErrorOf(low) + voicingErrorOf(high)) / 2, 12);
    expect(both.referenceF0.sum / both.referenceF0.n).toBeGreaterThan(200);
    expect(energyCorrelationOf(low)).toBeCloseTo(1, 9);
  });
});

describe("correlation", () => {
  test("equals its definition, and pools", () => {
    const [x, y] = [
      [1, 2, 4, 7],
      [3, 1, 5, 6],
    ];
    // deviations −2.5 −1.5 .5 3.5 and −.75 −2.75 1.25 2.25: 14.5 / √(21 · 14.75)
    expect(correlation(pairSums(x!, y!))).toBeCloseTo(14.5 / Math.sqrt(21 * 14.75), 12);
    expect(
      correlation(addPairSums([pairSums(x!.slice(0, 1), y!.slice(0, 1)), pairSums(x!.slice(1), y!.slice(1))])),
    ).toBeCloseTo(14.5 / Math.sqrt(21 * 14.75), 12);
  });

  test("constants and single pairs have none", () => {
    expect(correlation(pairSums([1], [2]))).toBeNaN();
    expect(correlation(pairSums([0.1, 0.1, 0.1], [1, 2, 3]))).toBeNaN();
    expect(correlation(pairSums([], []))).toBeNaN();
  });
});
