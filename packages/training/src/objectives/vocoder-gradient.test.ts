import { createRuntime, type Runtime } from "@uat/graph";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decoderGeometry } from "../config/decoder-geometry.ts";
import { LossProgram } from "../engine/loss-program.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { Random } from "../random.ts";
import { initialWeights } from "../systems/initial-weights.ts";
import { vocoderParameters } from "../systems/vocoder-training.ts";
import { generatorObjective, type VocoderObjectives, vocoderInputs } from "./vocoder.ts";
import { vocoderBatch, vocoderStepInputs } from "./vocoder-batch.ts";

const FRAMES = 8;
const config = decoderGeometry(
  undefined,
  {
    flow: {},
    hift: {
      base_channels: 8,
      nb_harmonics: 2,
      resblock_kernel_sizes: [3],
      resblock_dilation_sizes: [[1, 3]],
      source_resblock_kernel_sizes: [3, 3],
      source_resblock_dilation_sizes: [[1], [1]],
      f0_predictor: { cond_channels: 4 },
    },
  },
  "test",
).hift;
const objectives: VocoderObjectives = {
  mel: 1,
  stft: 1,
  stft_resolutions: [{ size: 256, hop: 64, window: 240 }],
  f0: 1,
  adversarial: {
    start_step: 0,
    weight: 1,
    feature_matching: 2,
    periods: [2, 3],
    period_channels: [4, 4],
    resolutions: [{ size: 128, hop: 64, window: 128 }],
    resolution_channels: 2,
  },
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

test("the gradient of every parameter of the vocoder, the mix of harmonics among them, is the loss's slope", async () => {
  const asked = vocoderParameters(config, objectives, FRAMES);
  const parameters = ParameterArena.from(initialWeights([...asked.generator, ...asked.discriminator], 3));
  const names = asked.generator.map(({ name }) => name);
  expect(names).toContain("source.l_linear.weight");
  const program = await LossProgram.compile(runtime, "vocoder", { parameters, trained: new Set(names) }, (g, p) =>
    generatorObjective(vocoderInputs(g, config, FRAMES), p, config, objectives, true),
  );
  const random = new Random(1);
  let phase = 0;
  const voice = Float32Array.from({ length: FRAMES * 256 }, (_, i) => {
    phase += (2 * Math.PI * (150 + i / 40)) / 22050;
    return 0.3 * Math.sin(phase) + 0.2 * Math.sin(3 * phase) + 0.05 * random.normal();
  });
  const inputs = vocoderStepInputs(vocoderBatch([voice, voice], FRAMES, random), config, random);
  const gradients = parameters.companion(names);
  const { loss } = await program.run(inputs, gradients);
  expect([...program.without]).toEqual([]);
  for (const name of names) {
    const values = parameters.view(name);
    const gradient = gradients.view(name);
    const before = values.slice();
    const norm = Math.hypot(...gradient);
    expect(norm, name).toBeGreaterThan(0);
    // short: leaky rectifiers and absolute differences have corners on the way
    const distance = 3e-4;
    const at = async (share: number) => {
      for (const [i, g] of gradient.entries()) values[i] = before[i]! + (share * distance * g) / norm;
      return (await program.run(inputs)).loss;
    };
    const slope = ((await at(1)) - (await at(-1))) / (2 * distance);
    values.set(before);
    // what two losses, rounded to float32, cannot tell
    const rounding = (2 ** -22 * loss) / distance;
    expect(Math.abs(slope - norm), `${name}: slope ${slope}, gradient ${norm}`).toBeLessThan(0.02 * norm + rounding);
  }
  await program.dispose();
});
