import { expect, test } from "vitest";
import { type ExcitationConfig, harmonicSource } from "./excitation.ts";

const config: ExcitationConfig = {
  nb_harmonics: 0,
  sampling_rate: 22050,
  nsf_alpha: 0.1,
  nsf_sigma: 0,
  nsf_voiced_threshold: 10,
  source_filter: true,
};

/** A second of pulses at `hz`. */
function pulses(hz: number): Float32Array {
  const samples = 22050;
  const out = new Float32Array(samples);
  harmonicSource(Float32Array.of(hz), 0, config, { phase: 0, noise: new Float32Array(samples), cycle: 0 }, out);
  return out;
}

/** Size of one frequency's part. */
function partial(x: Float32Array, hz: number): number {
  let [re, im] = [0, 0];
  for (const [i, v] of x.entries()) {
    re += v * Math.cos((2 * Math.PI * hz * i) / 22050);
    im += v * Math.sin((2 * Math.PI * hz * i) / 22050);
  }
  return (2 * Math.hypot(re, im)) / x.length;
}

test.each([70, 210, 490])("pulses at %i Hz: all harmonics alike, nothing between them, as loud as noise", (hz) => {
  const x = pulses(hz);
  const first = partial(x, hz);
  for (const k of [2, 5, Math.floor(11025 / hz) - 1]) expect(partial(x, k * hz)).toBeCloseTo(first, 4);
  expect(partial(x, 2.5 * hz)).toBeLessThan(first / 50);
  const level = Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);
  expect(level / config.nsf_alpha).toBeGreaterThan(0.95);
  expect(level / config.nsf_alpha).toBeLessThan(1.05);
});
