import { readFileSync } from "node:fs";
import { decodeAudio, resample } from "@uat/audio";
import { createRuntime, type Runtime } from "@uat/graph";
import { type AcousticConfig, AcousticModel } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decoderGeometry } from "../config/decoder-geometry.ts";
import { acousticBatch, clipF0 } from "../objectives/acoustic-batch.ts";
import { cosine } from "../optimizer/schedules.ts";
import { Random } from "../random.ts";
import { acousticNetwork, acousticParameters } from "./acoustic-training.ts";
import { initialWeights } from "./initial-weights.ts";
import { NetworkTraining } from "./network-training.ts";

const CODES = 64;
const TOKENS = 40;

function tiny(): AcousticConfig {
  const acoustic = {
    vocab_size: CODES,
    input_size: 32,
    hidden_size: 64,
    num_blocks: 1,
    attention_heads: 2,
    filter_size: 64,
    subframe_size: 64,
    dropout_rate: 0,
  };
  const config = decoderGeometry(undefined, { acoustic }, "test");
  if (!("acoustic" in config)) throw new Error("expected an acoustic model");
  return config.acoustic;
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

async function speech() {
  const path = new URL("../../../../tests/fixtures/audio/speech16k.wav", import.meta.url);
  const { channels, sampleRate } = await decodeAudio(new Uint8Array(readFileSync(path)));
  const samples = resample(channels[0]!, sampleRate, 22050);
  const random = new Random(4);
  const tokens = Int32Array.from({ length: TOKENS }, () => random.below(CODES));
  return {
    name: "speech",
    tokens,
    samples: samples.subarray(0, TOKENS * 882),
    f0: clipF0(samples.subarray(0, TOKENS * 882)),
  };
}

test("learns the mel and the pitch of a clip by heart, and foretells them in pieces", async () => {
  const config = tiny();
  const clip = await speech();
  const weights = { mel: 1, pitch: 1, voicing: 0.3, floor: -8 };
  const asked = acousticParameters(config);
  const training = await NetworkTraining.create(runtime, acousticNetwork(config, weights), {
    parameters: [...initialWeights(asked, 1)],
    groups: [
      {
        name: "all",
        parameters: asked.map(({ name }) => name),
        learningRate: cosine({ learningRate: 4e-3, minimum: 1e-5, totalSteps: 300, warmupSteps: 10 }),
        betas: [0.9, 0.98],
        weightDecay: 0,
      },
    ],
    clip: 1,
  });
  const random = new Random(1);
  const batch = acousticBatch([clip], TOKENS, config, random);
  await training.startAtMean(batch);
  const before = await training.loss(batch, random);
  for (let i = 0; i < 300; i++) await training.update([batch], random);
  expect(await training.loss(batch, random)).toBeLessThan(before / 5);

  const model = await AcousticModel.load(config, training.weights(), runtime);
  const { data, f0, frames, bins } = await model.mel({ tokens: clip.tokens, noise: () => new Float32Array(0) });
  expect([frames, bins]).toEqual([batch.frames, 80]);
  let [error, wrong, octaves, voiced] = [0, 0, 0, 0];
  for (let t = 0; t < frames; t++) {
    for (let b = 0; b < 80; b++)
      error += Math.abs(data[b * frames + t]! - Math.max(-8, batch.mel[t * 80 + b]!)) / (80 * frames);
    const [foretold, measured] = [f0![t]!, batch.f0[t]!];
    if (foretold > 0 !== measured > 0) wrong++;
    else if (measured > 0) {
      octaves += Math.abs(Math.log2(foretold / measured));
      voiced++;
    }
  }
  expect(error).toBeLessThan(0.25);
  expect(wrong / frames).toBeLessThan(0.05);
  expect(voiced).toBeGreaterThan(20);
  expect(octaves / voiced).toBeLessThan(0.05);

  // a prompt's frames are left out, whatever they are
  const rest = await model.mel({
    tokens: clip.tokens,
    promptMel: { data: new Float32Array(80 * 10), bins: 80, frames: 10 },
    noise: () => new Float32Array(0),
  });
  expect(rest.frames).toBe(frames - 10);
  expect(rest.data[0]).toBe(data[10]);
  expect(rest.f0?.[0]).toBe(f0![10]);
  // pieces of a long list see their surroundings
  const long = Int32Array.from({ length: 130 }, (_, i) => clip.tokens[i % TOKENS]!);
  const whole = await model.mel({ tokens: long, noise: () => new Float32Array(0) });
  expect(whole.frames).toBe(model.frames(130));
  expect(whole.data.every(Number.isFinite)).toBe(true);
  await model.dispose();
  await training.dispose();
});

test("what is quieter than the floor is no error", async () => {
  const config = tiny();
  const clip = await speech();
  const loss = async (floor: number) => {
    const asked = acousticParameters(config);
    const training = await NetworkTraining.create(
      runtime,
      acousticNetwork(config, { mel: 1, pitch: 0, voicing: 0, floor }),
      {
        parameters: [...initialWeights(asked, 1)],
        groups: [
          {
            name: "all",
            parameters: asked.map(({ name }) => name),
            learningRate: () => 0,
            betas: [0.9, 0.98],
            weightDecay: 0,
          },
        ],
        clip: 1,
      },
    );
    const values = training.parameters.view("output.weight");
    values.fill(0);
    training.parameters.view("output.bias").fill(-8);
    const batch = acousticBatch([{ ...clip, samples: clip.samples.map(() => 0) }], TOKENS, config, new Random(1));
    const result = await training.loss(batch, new Random(1));
    await training.dispose();
    return result;
  };
  // digital silence is ln 1e-5
  expect(await loss(-8)).toBeCloseTo(0, 5);
  expect(await loss(-20)).toBeCloseTo(-8 - Math.log(1e-5), 4);
});
