import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readNpy } from "../checkpoint/npy.ts";
import { TorchGenerator } from "./torch-generator.ts";

const golden = (name: string): Float32Array =>
  readNpy(readFileSync(new URL(`../../../../tests/fixtures/torch_rng/${name}.npy`, import.meta.url)))
    .data as Float32Array;

const largest = (a: Float32Array, b: Float32Array): number => {
  expect(a.length).toBe(b.length);
  return a.reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);
};

const sizes = [1, 7, 15, 16, 17, 31, 100, 1000];

describe.each([42, 1234567])("seed %d", (seed) => {
  test.each(sizes)("rand and uniform of %d are torch's", (n) => {
    expect(new TorchGenerator(seed).rand(n)).toEqual(golden(`rand_s${seed}_n${n}`));
    expect(new TorchGenerator(seed).uniform(n, -3, 5)).toEqual(golden(`uniform_s${seed}_n${n}`));
  });
  test.each(sizes)("randn of %d is torch's", (n) => {
    expect(largest(new TorchGenerator(seed).randn(n), golden(`randn_s${seed}_n${n}`))).toBeLessThanOrEqual(
      n < 16 ? 2.4e-7 : 2e-6,
    );
  });
  test("draws in a row", () => {
    const g = new TorchGenerator(seed);
    const drawn = [g.randn(5), g.rand(3), g.randn(20), g.randn(4), g.rand(2)];
    for (const [i, values] of drawn.entries())
      expect(largest(values, golden(`chain_s${seed}_${i}`)), `draw ${i}`).toBeLessThanOrEqual(2e-6);
  });
});

test("the decoder's first draws: the flow's noise, then the phases of the harmonics", () => {
  const root = new URL("../../../../tests/fixtures/decoders/uniaudio/cases/n20/", import.meta.url);
  const array = (name: string) => readNpy(readFileSync(new URL(`${name}.npy`, root)));
  const g = new TorchGenerator(42);
  const z = array("z").data as Float32Array;
  expect(largest(g.randn(z.length), z)).toBeLessThanOrEqual(2e-6);
  const phase = array("phase_vec_drawn").data as Float32Array;
  expect(largest(g.uniform(9, -Math.PI, Math.PI), phase)).toBeLessThanOrEqual(1e-6);
});
