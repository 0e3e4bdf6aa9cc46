import { buildGraph, compile, createRuntime, type Runtime } from "@uat/graph";
import { Flow, type FlowConfig, memoryStore } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flowDecoderGeometry } from "../config/decoder-geometry.ts";
import { LossProgram } from "../engine/loss-program.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { Random } from "../random.ts";
import { float32Tensors } from "../systems/decoder-files.ts";
import { askedParameters, initialWeights } from "../systems/initial-weights.ts";
import { Dropout } from "./dropout.ts";
import { flowInputs, flowLoss, flowPath } from "./flow.ts";
import { type FlowBatch, flowStepInputs } from "./flow-batch.ts";

const MELS = 8;

function tinyFlow(blocks: boolean, loss: "l1" | "l2"): FlowConfig {
  const fields = {
    flow: {
      vocab_size: 11,
      input_size: 8,
      output_size: MELS,
      spk_embed_dim: 5,
      encoder: {
        output_size: 8,
        attention_heads: 2,
        linear_units: 12,
        num_blocks: 1,
        ...(blocks && { block_size: 2 }),
      },
      length_regulator: { channels: MELS, sampling_ratios: [1] },
      decoder: {
        cfm_params: { reg_loss_type: loss },
        estimator: {
          in_channels: 4 * MELS,
          out_channels: MELS,
          channels: [16, 8],
          attention_head_dim: 4,
          num_heads: 2,
          n_blocks: 1,
          num_mid_blocks: 1,
        },
      },
    },
    hift: { in_channels: MELS, f0_predictor: { in_channels: MELS } },
  };
  return flowDecoderGeometry(undefined, fields, "tiny").flow;
}

const random = new Random(5);
const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());
const batch: FlowBatch = {
  size: 3,
  tokenCount: 5,
  frames: 17,
  tokens: Int32Array.from({ length: 15 }, () => random.below(11)),
  mel: normals(3 * MELS * 17),
  embedding: normals(15),
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

describe.each([
  ["whole attention", false],
  ["attention in blocks", true],
])("flow loss, %s", (_, blocks) => {
  const config = tinyFlow(blocks, "l2");

  test("every parameter's gradient is the loss's slope", async () => {
    const asked = askedParameters((g, p) => flowLoss(flowInputs(g, config), p, config));
    const parameters = ParameterArena.from(initialWeights(asked, 3));
    const trained = new Set(asked.map(({ name }) => name));
    const dropout = new Dropout();
    const program = await LossProgram.compile(runtime, "flow", { parameters, trained }, (g, p) =>
      flowLoss(flowInputs(g, config), p, config, {
        prior: 0.5,
        dropout: (x, rate) => dropout.apply(g, x, rate),
        layer: (body) => g.recompute(body),
      }),
    );
    const inputs = {
      ...flowStepInputs(batch, config, new Random(2)),
      ...dropout.draw(new Random(9), { batch: 3, tokens: 5, frames: 17 }),
    };
    expect(Object.keys(inputs).filter((name) => name.startsWith("dropout.")).length).toBeGreaterThan(4);
    const gradients = parameters.companion();
    const { loss } = await program.run(inputs, gradients);
    expect(loss).toBeGreaterThan(0.5);
    expect([...program.without]).toEqual([]);
    for (const { name } of asked) {
      const values = parameters.view(name);
      const gradient = gradients.view(name);
      const before = values.slice();
      // along the gradient the slope is steepest, and its own length
      const norm = Math.hypot(...gradient);
      expect(norm, name).toBeGreaterThan(0);
      const distance = Math.min(2e-2, 2e-3 / norm);
      const at = async (share: number) => {
        for (const [i, g] of gradient.entries()) values[i] = before[i]! + (share * distance * g) / norm;
        return (await program.run(inputs, undefined)).loss;
      };
      const slope = ((await at(1)) - (await at(-1))) / (2 * distance);
      values.set(before);
      // what two losses, rounded to float32, cannot tell
      const rounding = (2 ** -23 * loss) / distance;
      expect(Math.abs(slope - norm), `${name}: slope ${slope}, gradient ${norm}`).toBeLessThan(0.02 * norm + rounding);
    }
    await program.dispose();
  });
});

test("the path from noise to mel", async () => {
  const graph = buildGraph("path", (g) => {
    const [mel, noise] = [g.input("mel", [2, 1, 1]), g.input("noise", [2, 1, 1])];
    return { ...flowPath(mel, noise, g.input("time", [2]), 0.1) };
  });
  const program = await compile(runtime, graph);
  const column = (...values: number[]) => ({ data: Float32Array.from(values), shape: [2, 1, 1] });
  const { point, velocity } = await program.run({
    mel: column(5, 5),
    noise: column(-2, -2),
    time: { data: Float32Array.of(0, 1), shape: [2] },
  });
  // from the noise to the mel with a tenth of the noise left, on a straight line
  expect([...(point!.data as Float32Array)].map((v) => +v.toFixed(5))).toEqual([-2, 4.8]);
  expect([...(velocity!.data as Float32Array)].map((v) => +v.toFixed(5))).toEqual([6.8, 6.8]);
  await program.dispose();
});

test("a frame counts as much whichever item it belongs to, and items do not meet", async () => {
  const config = tinyFlow(true, "l1");
  const asked = askedParameters((g, p) => flowLoss(flowInputs(g, config), p, config));
  const parameters = ParameterArena.from(initialWeights(asked, 3));
  const program = await LossProgram.compile(runtime, "flow", { parameters, trained: new Set() }, (g, p) =>
    flowLoss(flowInputs(g, config), p, config),
  );
  const all = flowStepInputs(batch, config, new Random(2));
  const { loss } = await program.run(all);
  let sum = 0;
  for (let item = 0; item < batch.size; item++) {
    const one = Object.fromEntries(
      Object.entries(all).map(([name, { data, shape }]) => {
        if (shape[0] !== batch.size) return [name, { data, shape }];
        const size = data.length / batch.size;
        return [name, { data: data.slice(item * size, (item + 1) * size), shape: [1, ...shape.slice(1)] }];
      }),
    );
    sum += (await program.run(one)).loss;
  }
  expect(sum / batch.size).toBeCloseTo(loss, 5);
  await program.dispose();
});

test("with a prior the path begins at what the encoder foretells: without velocity that is the mel", async () => {
  const [config, wide] = [0, 0.5].map((deviation) => {
    const tiny = tinyFlow(false, "l1");
    const cfm_params = { ...tiny.decoder.cfm_params, prior_deviation: deviation, inference_cfg_rate: 0 };
    return { ...tiny, decoder: { ...tiny.decoder, cfm_params } };
  }) as [FlowConfig, FlowConfig];
  const asked = askedParameters((g, p) => flowLoss(flowInputs(g, config), p, config));
  const weights = [...initialWeights(asked, 3)];
  for (const { name, values } of weights) if (name.startsWith("decoder.estimator.final_proj.")) values.fill(0);
  const store = memoryStore(float32Tensors(weights));
  const mel = async (c: FlowConfig, noise: number) => {
    const flow = await Flow.load(c, store, runtime);
    const made = await flow.mel({
      tokens: Int32Array.of(1, 4, 2, 9),
      noise: (n) => new Float32Array(n * MELS).fill(noise),
    });
    await flow.dispose();
    return Array.from(made.data);
  };
  const foretold = await mel(config, 0);
  expect(new Set(foretold.map((v) => v.toFixed(3))).size).toBeGreaterThan(10);
  expect(await mel(config, 3)).toEqual(foretold);
  for (const [i, v] of (await mel(wide, 3)).entries()) expect(v - foretold[i]!).toBeCloseTo(1.5, 5);
});
