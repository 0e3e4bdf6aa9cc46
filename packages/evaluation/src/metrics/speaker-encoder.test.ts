import { createRuntime } from "@uat/graph";
import { directoryFiles, float32Tensor, memoryFiles, memoryStore } from "universal-audio-tokenizer/internal";
import { afterAll, describe, expect, test } from "vitest";
import { EvaluationError } from "../errors.ts";
import { worstError } from "../fixtures.ts";
import { distorted, goldens, METRICS_FOLDER, RATE, readClip } from "./fixtures.ts";
import { cosineSimilarity, SPEAKER_ENCODER_FILE, SpeakerEncoder } from "./speaker-encoder.ts";

const runtime = await createRuntime({ device: "cpu", threads: 1 });
afterAll(() => runtime.dispose());

/** The weights of the goldens' small encoder: sines, numbered in the order of their names. */
function smallWeights() {
  const shapes: Record<string, number[]> = { "linear.weight": [8, 8], "linear.bias": [8] };
  for (const layer of [0, 1, 2]) {
    shapes[`lstm.weight_ih_l${layer}`] = [32, layer === 0 ? 40 : 8];
    shapes[`lstm.weight_hh_l${layer}`] = [32, 8];
    shapes[`lstm.bias_ih_l${layer}`] = [32];
    shapes[`lstm.bias_hh_l${layer}`] = [32];
  }
  const tensors = Object.keys(shapes)
    .sort()
    .map((name, k) => {
      const shape = shapes[name]!;
      const length = shape.reduce((a, b) => a * b, 1);
      const size = name === "lstm.weight_ih_l0" ? 50 : 0.5;
      const values = Float32Array.from({ length }, (_, i) => size * Math.sin(1.7 * i + k));
      return [`model_state.${name}`, float32Tensor(shape, values)] as const;
    });
  return memoryStore(new Map(tensors));
}

describe("with small weights", async () => {
  const encoder = await SpeakerEncoder.fromStore(smallWeights(), runtime);
  afterAll(() => encoder.dispose());

  test.each(Object.keys(goldens.clips))("partial clips and vectors as resemblyzer has them: %s", async (name) => {
    const vector = await encoder.embed(await readClip(name), RATE);
    expect(worstError(vector, goldens.clips[name]!.small.embedding)).toBeLessThan(1e-5);
  });

  test("a clip of one sample has a vector, one without samples has not", async () => {
    expect(Math.hypot(...(await encoder.embed(new Float32Array(1), RATE)))).toBeCloseTo(1, 5);
    await expect(encoder.embed(new Float32Array(0), RATE)).rejects.toThrow(EvaluationError);
  });
});

test("a file that holds something else", async () => {
  const files = memoryFiles({ [SPEAKER_ENCODER_FILE]: "not torch" }, "metrics");
  await expect(SpeakerEncoder.load(files, runtime)).rejects.toThrow(/pretrained\.pt: is not a file of torch\.save/);
  await expect(SpeakerEncoder.fromStore(memoryStore(new Map()), runtime)).rejects.toThrow(EvaluationError);
});

test("cosine similarity", () => {
  expect(cosineSimilarity(Float32Array.of(3, 4), Float32Array.of(6, 8))).toBeCloseTo(1, 12);
  expect(cosineSimilarity(Float32Array.of(1, 0), Float32Array.of(1, 1))).toBeCloseTo(Math.SQRT1_2, 12);
  expect(cosineSimilarity(Float32Array.of(0, 0), Float32Array.of(1, 1))).toBeNaN();
});

describe.skipIf(!METRICS_FOLDER)("with the package's weights", async () => {
  const encoder = METRICS_FOLDER ? await SpeakerEncoder.load(directoryFiles(METRICS_FOLDER), runtime) : undefined;

  test.each(Object.keys(goldens.clips))("vectors of %s and its copies", async (name) => {
    const clip = goldens.clips[name]!;
    const samples = await readClip(name);
    expect(worstError(await encoder!.embed(samples, RATE), clip.original.embedding)).toBeLessThan(1e-5);
    for (const [copy, want] of Object.entries(clip.scores))
      expect(worstError(await encoder!.embed(distorted(name, copy, samples), RATE), want.embedding)).toBeLessThan(1e-5);
  });
});
