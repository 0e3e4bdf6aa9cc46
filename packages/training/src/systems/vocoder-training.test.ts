import { readFileSync } from "node:fs";
import { decodeAudio, decoderMel, resample } from "@uat/audio";
import { createRuntime, type Runtime } from "@uat/graph";
import { Vocoder } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decoderGeometry } from "../config/decoder-geometry.ts";
import type { VocoderObjectives } from "../objectives/vocoder.ts";
import { vocoderBatch } from "../objectives/vocoder-batch.ts";
import { cosine } from "../optimizer/schedules.ts";
import { initialWeights } from "./initial-weights.ts";
import { addMelErrors, type MelErrors } from "./mel-errors.ts";
import { stepRandom } from "./step-random.ts";
import { melOfSound, speak } from "./vocoder-system.ts";
import { isDiscriminator, VocoderTraining, vocoderParameters } from "./vocoder-training.ts";

const config = decoderGeometry(
  undefined,
  {
    flow: {},
    hift: {
      base_channels: 40,
      resblock_kernel_sizes: [7],
      resblock_dilation_sizes: [[1, 3]],
      source_resblock_kernel_sizes: [3, 3],
      source_resblock_dilation_sizes: [[1], [1]],
      f0_predictor: { cond_channels: 32 },
    },
  },
  "test",
).hift;

const SPECTRAL: VocoderObjectives = {
  mel: 45,
  stft: 1,
  stft_resolutions: [{ size: 512, hop: 128, window: 512 }],
  f0: 1,
  adversarial: null,
};
const ADVERSARIAL: VocoderObjectives = {
  ...SPECTRAL,
  adversarial: {
    start_step: 1,
    weight: 1,
    feature_matching: 2,
    periods: [2, 3],
    period_channels: [4, 8],
    resolutions: [{ size: 256, hop: 128, window: 256 }],
    resolution_channels: 4,
  },
};

let runtime: Runtime;
let clip: Float32Array;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
  const path = new URL("../../../../models/samples/speech.flac", import.meta.url);
  const { channels, sampleRate } = await decodeAudio(new Uint8Array(readFileSync(path)));
  clip = resample(channels[0]!, sampleRate, 22050).slice(0, 22050);
});
afterAll(() => runtime.dispose());

async function tinyTraining(objectives: VocoderObjectives, frames: number, totalSteps: number) {
  const asked = vocoderParameters(config, objectives, frames);
  const learningRate = cosine({ learningRate: 3e-3, minimum: 6e-5, totalSteps, warmupSteps: 10 });
  const groups = (name: string, parameters: readonly string[]) =>
    parameters.length > 0 ? [{ name, parameters, learningRate, betas: [0.8, 0.99] as const, weightDecay: 0 }] : [];
  const names = (list: typeof asked.generator) => list.map(({ name }) => name);
  return VocoderTraining.create(runtime, config, {
    parameters: [...initialWeights([...asked.generator, ...asked.discriminator], 1)],
    generator: groups("generator", names(asked.generator)),
    discriminator: groups("discriminator", names(asked.discriminator)),
    objectives,
    frames,
    clip: null,
  });
}

/** Mean absolute difference of log-mels (natural logarithm) of the clip and of what the vocoder makes of its mel. */
async function melDistance(training: VocoderTraining): Promise<number> {
  const vocoder = await Vocoder.load(config, training.weights(), runtime);
  const sums: MelErrors = { error: 0, ofMean: 0, count: 0 };
  addMelErrors(sums, decoderMel(clip), decoderMel((await speak(vocoder, melOfSound(clip))).waveform));
  await vocoder.dispose();
  return sums.error / sums.count;
}

test("learns one clip: the log-mel distance of its decoding falls below 0.35", async () => {
  const steps = 900;
  const training = await tinyTraining(SPECTRAL, 64, steps);
  let distance = await melDistance(training);
  expect(distance).toBeGreaterThan(1);
  for (let step = 0; step < steps && distance >= 0.35; step++) {
    const random = stepRandom(1, step);
    await training.update([vocoderBatch([clip], 64, random)], random);
    if (step % 100 === 99 && step >= 400) distance = await melDistance(training);
  }
  expect(distance).toBeLessThan(0.35);
  await training.dispose();
}, 300_000);

test("vocoder and discriminators are updated side by side from their step on, each by its own loss", async () => {
  const training = await tinyTraining(ADVERSARIAL, 16, 100);
  const { parameters } = training;
  const discriminators = () =>
    parameters.entries.filter(({ name }) => isDiscriminator(name)).map(({ name }) => parameters.view(name).slice());
  const losses: Record<string, number>[] = [];
  const before = discriminators();
  for (let step = 0; step < 25; step++) {
    const random = stepRandom(1, step);
    losses.push(await training.update([vocoderBatch([clip, clip], 16, random)], random));
    if (step === 0) expect(discriminators()).toEqual(before);
    else expect(discriminators()).not.toEqual(before);
  }
  expect(losses[0]).not.toHaveProperty("adversarial");
  expect(losses[0]).not.toHaveProperty("discriminator");
  const last = losses.at(-1) as Record<string, number>;
  for (const name of ["mel", "stft", "f0", "adversarial", "features", "discriminator"]) {
    expect(last[name], name).toBeGreaterThan(0);
    expect(Number.isFinite(last[name]), name).toBe(true);
  }
  const { adversarial, ...others } = last;
  const parts = 45 * others.mel! + others.stft! + others.f0! + adversarial! + 2 * others.features!;
  expect(last.loss! / parts).toBeCloseTo(1, 4);
  // they know true sound from what an untrained vocoder makes
  expect(last.discriminator!).toBeLessThan(losses[1]!.discriminator!);
  await training.dispose();
});

test("an evaluation changes nothing", async () => {
  const training = await tinyTraining(ADVERSARIAL, 16, 100);
  const before = training.parameters.values.slice();
  const batch = vocoderBatch([clip], 16, stepRandom(1, 0));
  const first = await training.loss(batch, stepRandom(1, 1));
  const again = await training.loss(batch, stepRandom(1, 1));
  expect(again.loss).toBe(first.loss);
  expect(training.parameters.values).toEqual(before);
  await training.dispose();
});
