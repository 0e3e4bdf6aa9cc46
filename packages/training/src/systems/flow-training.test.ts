import { readFileSync } from "node:fs";
import { decodeAudio, decoderMel, resample } from "@uat/audio";
import { createRuntime, type Runtime } from "@uat/graph";
import { Flow, TorchGenerator } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { flowDecoderGeometry } from "../config/decoder-geometry.ts";
import type { FlowBatch } from "../objectives/flow-batch.ts";
import { cosine } from "../optimizer/schedules.ts";
import { Random } from "../random.ts";

import { flowNetwork, flowParameters } from "./flow-training.ts";
import { initialWeights } from "./initial-weights.ts";
import { addMelErrors, type MelErrors } from "./mel-errors.ts";
import { NetworkTraining } from "./network-training.ts";
import { stepRandom } from "./step-random.ts";

/** Bands of the small flow's mel: each the mean of five of the decoder's. */
const BANDS = 16;
const TOKENS = 30;
const CODES = 512;

const config = flowDecoderGeometry(
  undefined,
  {
    flow: {
      vocab_size: CODES,
      input_size: 32,
      output_size: BANDS,
      encoder: {
        output_size: 32,
        attention_heads: 2,
        linear_units: 64,
        num_blocks: 1,
        dropout_rate: 0,
        positional_dropout_rate: 0,
      },
      length_regulator: { channels: BANDS, sampling_ratios: [1] },
      decoder: {
        cfm_params: { reg_loss_type: "l2", training_cfg_rate: 0.2 },
        estimator: {
          in_channels: 4 * BANDS,
          out_channels: BANDS,
          channels: [64, 64],
          attention_head_dim: 16,
          num_heads: 2,
          n_blocks: 1,
          num_mid_blocks: 1,
        },
      },
    },
    hift: { in_channels: BANDS, f0_predictor: { in_channels: BANDS } },
  },
  "test",
).flow;

/** Two stretches of speech, with tokens made up for them. */
async function speech(): Promise<FlowBatch> {
  const path = new URL("../../../../tests/fixtures/audio/speech16k.wav", import.meta.url);
  const { channels, sampleRate } = await decodeAudio(new Uint8Array(readFileSync(path)));
  const samples = resample(channels[0]!, sampleRate, 22050);
  const whole = decoderMel(samples);
  const frames = Math.trunc((TOKENS * 441) / 128);
  const mel = new Float32Array(2 * BANDS * frames);
  for (let i = 0; i < mel.length; i++) {
    const [item, band, t] = [Math.floor(i / (BANDS * frames)), Math.floor(i / frames) % BANDS, i % frames];
    for (let j = 0; j < 5; j++) mel[i]! += whole.data[(5 * band + j) * whole.frames + item * (frames + 10) + t]! / 5;
  }
  const random = new Random(4);
  const tokens = Int32Array.from({ length: 2 * TOKENS }, () => random.below(CODES));
  return { size: 2, tokenCount: TOKENS, frames, tokens, mel, embedding: new Float32Array(2 * config.spk_embed_dim) };
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

/** Mean absolute error of what the solver makes of the tokens, and that of each clip's mean spectrum. */
async function melError(training: NetworkTraining<FlowBatch>, { tokens, mel, frames }: FlowBatch): Promise<MelErrors> {
  const flow = await Flow.load(config, training.weights(), runtime);
  const sums: MelErrors = { error: 0, ofMean: 0, count: 0 };
  for (const item of [0, 1]) {
    const made = await flow.mel({
      tokens: tokens.slice(item * TOKENS, (item + 1) * TOKENS),
      noise: (n) => new TorchGenerator(3).randn(n * BANDS),
    });
    const target = mel.slice(item * BANDS * frames, (item + 1) * BANDS * frames);
    addMelErrors(sums, { data: target, mels: BANDS, frames }, { data: made.data, mels: BANDS, frames });
  }
  await flow.dispose();
  return sums;
}

const STEPS = 1000;

async function tinyTraining(): Promise<NetworkTraining<FlowBatch>> {
  const asked = flowParameters(config);
  const learningRate = cosine({ learningRate: 2e-3, minimum: 2e-5, totalSteps: STEPS, warmupSteps: 20 });
  const parameters = asked.map(({ name }) => name);
  return NetworkTraining.create(runtime, flowNetwork(config), {
    parameters: [...initialWeights(asked, 1)],
    groups: [{ name: "all", parameters, learningRate, betas: [0.9, 0.99], weightDecay: 0 }],
    clip: 1,
  });
}

test("learns two clips: the solver's mel is four times nearer than their mean", async () => {
  const clips = await speech();
  const twice: FlowBatch = {
    ...clips,
    size: 4,
    tokens: Int32Array.of(...clips.tokens, ...clips.tokens),
    mel: Float32Array.of(...clips.mel, ...clips.mel),
    embedding: new Float32Array(4 * config.spk_embed_dim),
  };
  const training = await tinyTraining();
  await training.startAtMean(clips);
  let ratio = 0;
  for (let step = 0; step < STEPS && ratio < 4; step++) {
    await training.update([twice], stepRandom(1, step));
    if (step % 100 < 99 || step < 500) continue;
    const { error, ofMean } = await melError(training, clips);
    ratio = ofMean / error;
  }
  expect(ratio).toBeGreaterThanOrEqual(4);
  await training.dispose();
}, 300_000);

test("the same seed gives the same steps", async () => {
  const clips = await speech();
  const losses: number[][] = [];
  for (const seed of [1, 1, 2]) {
    const training = await tinyTraining();
    const run: number[] = [];
    for (let step = 0; step < 2; step++)
      run.push((await training.update([clips], stepRandom(seed, step))).results[0]!.loss);
    losses.push(run);
    await training.dispose();
  }
  expect(losses[1]).toEqual(losses[0]);
  expect(losses[2]).not.toEqual(losses[0]);
});
