import { createRuntime, type Runtime } from "@uat/graph";
import { fileSource, openSafetensors, readFloat32, type TensorStore } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtureJson, fixturePath } from "../fixtures.ts";
import { AdamW, type AdamWGroup } from "./adamw.ts";
import {
  expectGoldenMoments,
  golden,
  goldenGroups,
  goldenParameters,
  goldenTrained,
  replayGolden,
} from "./golden-steps.test-helper.ts";
import { clipCoefficient } from "./gradients.ts";
import { ParameterArena } from "./parameter-arena.ts";
import { constant, cosine } from "./schedules.ts";
import { WeightAverage } from "./weight-average.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

describe("torch's steps", () => {
  test.each([
    ["groups side by side", goldenGroups.map((g) => g.parameters)],
    ["groups scattered over the arena", [["head.scale", "encoder.bias", "frozen", "decoder.weight"]]],
  ])("%s: groups, weight decay, clipping, a missing gradient, averages", async (_, order) => {
    const parameters = goldenParameters(0, order);
    const optimizer = await AdamW.create(runtime, parameters, goldenGroups);
    const average = await WeightAverage.create(runtime, parameters, goldenTrained, golden.decay);
    await replayGolden(optimizer, { average });
    expectGoldenMoments(optimizer);
    expect(optimizer.updates).toBe(6);
    expect(await average.source("frozen")!.read()).toEqual(await parameters.source("frozen")!.read());
    expect(await average.source("encoder.bias")!.read()).not.toEqual(await parameters.source("encoder.bias")!.read());
    await average.dispose();
    await optimizer.dispose();
  });

  test("the same through WebAssembly, which copies", async () => {
    const web = await createRuntime({ device: "wasm", threads: 1 });
    const optimizer = await AdamW.create(web, goldenParameters(), goldenGroups);
    await replayGolden(optimizer);
    expectGoldenMoments(optimizer);
    await optimizer.dispose();
    await web.dispose();
  });
});

describe("the first training step of the small encoder-decoder", () => {
  let weights: TensorStore;
  let update: TensorStore;
  beforeAll(async () => {
    weights = await openSafetensors(await fileSource(fixturePath("training/seq2seq/checkpoint/model.safetensors")));
    update = await openSafetensors(await fileSource(fixturePath("training/seq2seq/update_step1.safetensors")));
  });
  afterAll(async () => {
    await weights.close();
    await update.close();
  });

  test("moves the parameters as torch does", async () => {
    const { param_groups, steps } = fixtureJson("training/seq2seq/expected.json") as {
      param_groups: { name: string; initial_lr: number; params: string[] }[];
      steps: { grad_norm_before_clip: number }[];
    };
    const given = new Set([...update.names()].filter((n) => n.startsWith("after.")).map((n) => n.slice(6)));
    const names = param_groups.map((g) => g.params.filter((name) => given.has(name)));
    expect(names.map((n) => n.length)).toEqual([33, 5]);
    const parameters = ParameterArena.from(
      await Promise.all(
        names.flat().map(async (name) => ({
          name,
          shape: weights.info(name)!.shape,
          values: await readFloat32(weights, name),
        })),
      ),
      names,
    );
    const optimizer = await AdamW.create(
      runtime,
      parameters,
      param_groups.map(({ name, initial_lr }, i) => ({
        name,
        parameters: names[i]!,
        learningRate: cosine({
          learningRate: initial_lr,
          minimum: initial_lr / 10,
          totalSteps: 100,
          warmupSteps: 2,
        }),
      })),
    );
    const gradients = optimizer.newGradients();
    for (const name of names.flat()) gradients.view(name).set(await readFloat32(update, `gradient.${name}`));
    await optimizer.step(gradients, { scale: clipCoefficient(steps[0]!.grad_norm_before_clip, 1) });
    for (const name of names.flat()) {
      const after = await readFloat32(update, `after.${name}`);
      const got = parameters.view(name);
      const gradient = gradients.view(name);
      // a step of Adam's has size lr · sign(g): the tolerance of an update of 1e-6 is 1e-10, less than a weight's grain
      for (const [i, value] of after.entries())
        if (Math.abs(gradient[i]!) > 1e-6)
          expect(Math.abs(got[i]! - value)).toBeLessThanOrEqual(1.2e-7 * Math.abs(value));
    }
    await optimizer.dispose();
  });
});

test("long stretches are updated chunk by chunk, whatever their length", async () => {
  const length = 300_001;
  const values = Float32Array.from({ length }, (_, i) => Math.sin(i));
  const parameters = ParameterArena.from([{ name: "w", shape: [length], values }]);
  const optimizer = await AdamW.create(runtime, parameters, [
    { name: "all", parameters: ["w"], learningRate: constant({ learningRate: 0.1 }), weightDecay: 0 },
  ]);
  const gradients = optimizer.newGradients();
  for (const [i] of values.entries()) gradients.values[i] = Math.cos(i) + 2;
  await optimizer.step(gradients);
  // the first step of Adam is lr · sign(gradient)
  const worst = parameters.view("w").reduce((w, v, i) => Math.max(w, Math.abs(values[i]! - 0.1 - v)), 0);
  expect(worst).toBeLessThan(2e-7);
  await optimizer.dispose();
});

describe("what cannot be trained is refused", () => {
  const learningRate = constant({ learningRate: 1e-3 });
  test.each<[string, AdamWGroup[], string]>([
    ["an unknown name", [{ name: "a", parameters: ["nobody"], learningRate }], "there is no parameter called nobody"],
    [
      "a parameter of two groups",
      [
        { name: "a", parameters: ["frozen"], learningRate },
        { name: "b", parameters: ["frozen"], learningRate },
      ],
      "parameter frozen is in the groups a and b; expected one",
    ],
    ["a beta of 1", [{ name: "a", parameters: [], learningRate, betas: [0.9, 1] }], "group a: beta 2 is 1"],
    ["no epsilon", [{ name: "a", parameters: [], learningRate, epsilon: 0 }], "group a: epsilon is 0"],
    ["a negative decay", [{ name: "a", parameters: [], learningRate, weightDecay: -1 }], "group a: the weight decay"],
  ])("%s", async (_, given, message) => {
    await expect(AdamW.create(runtime, goldenParameters(), given)).rejects.toThrow(message);
  });

  test("counts of other parameters", async () => {
    const optimizer = await AdamW.create(runtime, goldenParameters(), [goldenGroups[0]!]);
    const counts = optimizer.counts();
    expect(() => optimizer.restoreCounts({ updates: 1, steps: { ...counts.steps, frozen: 1 } })).toThrow(
      "has trained frozen, which is frozen or missing now",
    );
    expect(() => optimizer.restoreCounts({ updates: 1, steps: { "encoder.bias": 1 } })).toThrow(
      "knows nothing of encoder.weight",
    );
    await optimizer.dispose();
  });
});
