import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createRuntime, type Runtime } from "@uat/graph";
import { fileSource, openSafetensors, readFloat32, type TensorStore } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AdamW, type AdamWGroup } from "./adamw.ts";
import { clipCoefficient, gradientNorm } from "./gradients.ts";
import { ParameterArena } from "./parameter-arena.ts";
import { constant, cosine } from "./schedules.ts";
import { WeightAverage } from "./weight-average.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../../../../tests/fixtures/training/${name}`, import.meta.url));
const json = (name: string) => JSON.parse(readFileSync(fixture(name), "utf8"));

type Values = Record<string, number[]>;
interface Golden {
  shapes: Record<string, number[]>;
  groups: {
    name: string;
    params: string[];
    lr: number;
    weight_decay?: number;
    betas?: [number, number];
    eps?: number;
  }[];
  clip: number;
  decay: number;
  initial: Values;
  steps: { gradients: Values; norm: number; parameters: Values; average: Values }[];
  moments: Record<string, { step: number; exp_avg: number[]; exp_avg_sq: number[] }>;
}

const golden = json("adamw/steps.json") as Golden;
const groups = golden.groups.map(
  (g): AdamWGroup => ({
    name: g.name,
    parameters: g.params,
    learningRate: (step) => g.lr * (1 - 0.1 * step),
    betas: g.betas,
    epsilon: g.eps,
    weightDecay: g.weight_decay,
  }),
);
const trained = groups.flatMap((g) => g.parameters);

const initial = () =>
  Object.entries(golden.shapes).map(([name, shape]) => ({
    name,
    shape,
    values: Float32Array.from(golden.initial[name] as number[]),
  }));

/** Largest error in units of the value's size, where values below `floor` count as that large. */
const relativeError = (got: ArrayLike<number>, want: readonly number[], floor = 0): number =>
  got.length !== want.length
    ? Number.POSITIVE_INFINITY
    : want.reduce((worst, w, i) => Math.max(worst, Math.abs((got[i] as number) - w) / Math.max(Math.abs(w), floor)), 0);

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

/** Replays the golden's steps from `from` on, comparing after each. */
async function replay(optimizer: AdamW, average?: WeightAverage): Promise<void> {
  const gradients = optimizer.newGradients();
  for (const [i, step] of golden.steps.entries()) {
    if (i < optimizer.updates) continue;
    const without = new Set(trained.filter((name) => !step.gradients[name]));
    for (const name of trained)
      gradients.view(name).set(step.gradients[name] ?? new Float32Array(gradients.view(name).length));
    const norm = gradientNorm(gradients);
    expect(Math.abs(norm / step.norm - 1)).toBeLessThan(1e-6);
    await optimizer.step(gradients, { scale: clipCoefficient(norm, golden.clip), without });
    await average?.update();
    for (const name of Object.keys(golden.shapes)) {
      const where = `${name} after step ${i + 1}`;
      expect(
        relativeError(optimizer.parameters.view(name), step.parameters[name] as number[], 0.1),
        where,
      ).toBeLessThan(1e-6);
      if (average?.average.has(name))
        expect(relativeError(average.average.view(name), step.average[name] as number[], 0.1), where).toBeLessThan(
          1e-6,
        );
    }
  }
}

function expectMoments(optimizer: AdamW): void {
  const { steps } = optimizer.counts();
  for (const [name, { step, exp_avg, exp_avg_sq }] of Object.entries(golden.moments)) {
    expect(steps[name], name).toBe(step);
    // first moments are sums of terms of about 0.01 of either sign: where these cancel, their rounding stays
    expect(relativeError(optimizer.firstMoments.view(name), exp_avg, 0.01), name).toBeLessThan(1e-6);
    expect(relativeError(optimizer.secondMoments.view(name), exp_avg_sq), name).toBeLessThan(1e-6);
  }
}

describe("torch's steps", () => {
  test.each([
    ["groups side by side", groups.map((g) => g.parameters)],
    ["groups scattered over the arena", [["head.scale", "encoder.bias", "frozen", "decoder.weight"]]],
  ])("%s: groups, weight decay, clipping, a missing gradient, averages", async (_, order) => {
    const parameters = ParameterArena.from(initial(), order);
    const optimizer = await AdamW.create(runtime, parameters, groups);
    const average = await WeightAverage.create(runtime, parameters, trained, golden.decay);
    await replay(optimizer, average);
    expectMoments(optimizer);
    expect(optimizer.updates).toBe(golden.steps.length);
    await average.dispose();
    await optimizer.dispose();
  });

  test("the same through WebAssembly, which copies", async () => {
    const web = await createRuntime({ device: "wasm", threads: 1 });
    const optimizer = await AdamW.create(web, ParameterArena.from(initial()), groups);
    await replay(optimizer);
    expectMoments(optimizer);
    await optimizer.dispose();
    await web.dispose();
  });
});

describe("the first training step of the small encoder-decoder", () => {
  let weights: TensorStore;
  let update: TensorStore;
  beforeAll(async () => {
    weights = await openSafetensors(await fileSource(fixture("seq2seq/checkpoint/model.safetensors")));
    update = await openSafetensors(await fileSource(fixture("seq2seq/update_step1.safetensors")));
  });
  afterAll(async () => {
    await weights.close();
    await update.close();
  });

  test("moves the parameters as torch does", async () => {
    const { param_groups, steps } = json("seq2seq/expected.json") as {
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
    await expect(AdamW.create(runtime, ParameterArena.from(initial()), given)).rejects.toThrow(message);
  });

  test("counts of other parameters", async () => {
    const optimizer = await AdamW.create(runtime, ParameterArena.from(initial()), [groups[0]!]);
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
