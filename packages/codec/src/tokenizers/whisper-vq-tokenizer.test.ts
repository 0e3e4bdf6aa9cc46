import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { AudioTokenizer } from "../audio-tokenizer.ts";
import { readNpy } from "../checkpoint/npy.ts";

const fixtures = fileURLToPath(new URL("../../../../tests/fixtures/", import.meta.url));
const checkpoint = (name: string) => `${fixtures}tokenizers/${name}/checkpoint`;
const npy = (path: string) => readNpy(readFileSync(`${fixtures}tokenizers/uniaudio/activations/speech16k/${path}.npy`));

test("γ of each code is the mean of upstream's gate", async () => {
  const tokenizer = await AudioTokenizer.fromPretrained(checkpoint("uniaudio"), { threads: 1 });
  const { clips } = await tokenizer.encode(`${fixtures}audio/speech16k.wav`);
  const { data, shape } = npy("gate");
  const [, time = 0, d = 1] = shape;
  const { gate, codes } = clips[0]!;
  expect(gate).toHaveLength(codes.length);
  expect(time).toBeGreaterThanOrEqual(codes.length);
  for (const [i, value] of gate!.entries()) {
    let mean = 0;
    for (let k = 0; k < d; k++) mean += Number(data[i * d + k]) / d;
    expect(value).toBeCloseTo(mean, 4);
  }
  await tokenizer.dispose();
});

test("models without a gate give none", async () => {
  const tokenizer = await AudioTokenizer.fromPretrained(checkpoint("uniaudio-nogate"), { threads: 1 });
  const { clips } = await tokenizer.encode({ samples: new Float32Array(16_000), sampleRate: 16_000 });
  expect(clips[0]).not.toHaveProperty("gate");
  await tokenizer.dispose();
});

test("the codebook is the checkpoint's: the nearest vector of what was searched has the code", async () => {
  const tokenizer = await AudioTokenizer.fromPretrained(checkpoint("uniaudio"), { threads: 1 });
  const { vectors, shape } = await tokenizer.codebook();
  const [size, d] = shape;
  expect(shape).toEqual([tokenizer.codebookSize, vectors.length / tokenizer.codebookSize]);
  const [searched, codes] = [npy("vq_in").data, npy("vq_idx").data];
  for (let t = 0; t < codes.length; t += 7) {
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (let c = 0; c < size; c++) {
      let distance = 0;
      for (let k = 0; k < d; k++) distance += (Number(searched[t * d + k]) - vectors[c * d + k]!) ** 2;
      if (distance < least) [best, least] = [c, distance];
    }
    expect(best).toBe(Number(codes[t]));
  }
  await tokenizer.dispose();
});
