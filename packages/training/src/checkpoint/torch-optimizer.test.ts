import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntime, type Runtime } from "@uat/graph";
import {
  fileSource,
  openTorchObject,
  PickleTuple,
  type TorchObject,
  TorchTensor,
} from "universal-audio-tokenizer/internal";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fixturePath } from "../fixtures.ts";
import { AdamW, type AdamWGroup } from "../optimizer/adamw.ts";
import {
  expectGoldenMoments,
  golden,
  goldenGroups,
  goldenParameters,
  replayGolden,
} from "../optimizer/golden-steps.test-helper.ts";
import { writeTorchFile } from "./torch-file.ts";
import { torchOptimizerState, torchSchedulerState } from "./torch-optimizer.ts";
import { readTorchOptimizer } from "./torch-optimizer-reader.ts";

const OPTIMIZER = fixturePath("training/adamw/optimizer-step3.pt");
const SCHEDULER = fixturePath("training/adamw/scheduler-step3.pt");
const baseRates = Object.fromEntries(golden.groups.map((g) => [g.name, g.lr]));

let runtime: Runtime;
let folder: string;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "torch-optimizer-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const create = (steps: number, groups: readonly AdamWGroup[] = goldenGroups) =>
  AdamW.create(runtime, goldenParameters(steps), groups);

/** A file's contents as plain data; tensors with their values. */
async function plain(file: TorchObject, value: unknown): Promise<unknown> {
  if (value instanceof TorchTensor) {
    const bytes = (await file.read(value)).slice();
    return {
      dtype: value.dtype,
      shape: value.shape,
      strides: value.strides,
      values: [...new Float32Array(bytes.buffer)],
    };
  }
  if (value instanceof PickleTuple) return { tuple: await plain(file, value.items) };
  if (Array.isArray(value)) return Promise.all(value.map((item) => plain(file, item)));
  if (!(value instanceof Map)) return value;
  return Object.fromEntries(await Promise.all([...value].map(async ([key, item]) => [key, await plain(file, item)])));
}

async function contents<T>(path: string): Promise<T> {
  const file = await openTorchObject(await fileSource(path));
  const value = await plain(file, file.value);
  await file.close();
  return value as T;
}

interface OptimizerState {
  state: Record<string, Record<string, { values: number[] }>>;
  param_groups: Record<string, unknown>[];
}

interface SchedulerState {
  _last_lr: number[];
  verbose?: boolean;
}

test("a run that torch has begun goes on as in torch", async () => {
  const optimizer = await create(3);
  await readTorchOptimizer(OPTIMIZER, optimizer, SCHEDULER);
  expect(optimizer.updates).toBe(3);
  expect(optimizer.counts().steps["head.scale"]).toBe(2);
  await replayGolden(optimizer);
  expectGoldenMoments(optimizer);
  await optimizer.dispose();
});

test("what is written is what torch writes after the same steps", async () => {
  const optimizer = await create(0);
  await replayGolden(optimizer, { end: 3 });
  const path = join(folder, "optimizer.pt");
  await writeTorchFile(path, torchOptimizerState(optimizer, baseRates));
  const ours = await contents<OptimizerState>(path);
  const torchs = await contents<OptimizerState>(OPTIMIZER);
  for (const [i, { name, betas, lr, ...group }] of torchs.param_groups.entries()) {
    const { betas: ourBetas, lr: ourRate, ...rest } = ours.param_groups[i]!;
    expect(rest).toEqual({ ...group, name });
    expect(ourRate).toBeCloseTo(lr as number, 15);
    // the golden gave one group's as a list, which torch keeps as it is
    expect(ourBetas).toEqual(Array.isArray(betas) ? { tuple: betas } : betas);
  }
  expect(Object.keys(ours.state)).toEqual(Object.keys(torchs.state));
  for (const [i, fields] of Object.entries(torchs.state))
    for (const [field, { values, ...form }] of Object.entries(fields)) {
      const { values: our, ...ourForm } = ours.state[i]![field]!;
      expect(ourForm, `${i}.${field}`).toEqual(form);
      for (const [k, v] of values.entries()) expect(Math.abs(our[k]! - v)).toBeLessThan(1e-8);
    }
  await optimizer.dispose();
});

test("the scheduler's state has torch's numbers", async () => {
  const optimizer = await create(0);
  await replayGolden(optimizer, { end: 3 });
  const path = join(folder, "scheduler.pt");
  await writeTorchFile(path, torchSchedulerState(optimizer, baseRates));
  const { _last_lr: rates, ...rest } = await contents<SchedulerState>(path);
  const { _last_lr: torchRates, verbose: _, ...torchRest } = await contents<SchedulerState>(SCHEDULER);
  expect(rest).toEqual(torchRest);
  for (const [i, rate] of torchRates.entries()) expect(rates[i]).toBeCloseTo(rate, 15);
  await optimizer.dispose();
});

test("a parameter that never had a gradient has no state, and comes back so", async () => {
  const optimizer = await create(0);
  const gradients = optimizer.newGradients();
  gradients.values.fill(1);
  await optimizer.step(gradients, { without: new Set(["head.scale"]) });
  const path = join(folder, "optimizer.pt");
  await writeTorchFile(path, torchOptimizerState(optimizer, baseRates));
  expect(Object.keys((await contents<OptimizerState>(path)).state)).toEqual(["0", "1", "2"]);
  const other = await create(0);
  other.firstMoments.values.fill(5);
  await readTorchOptimizer(path, other);
  expect(other.counts()).toEqual(optimizer.counts());
  for (const { name } of other.firstMoments.entries)
    expect(other.firstMoments.view(name), name).toEqual(optimizer.firstMoments.view(name));
  await optimizer.dispose();
  await other.dispose();
});

describe("refused, and nothing changed", () => {
  const [encoder, decoder, rest] = goldenGroups as [AdamWGroup, AdamWGroup, AdamWGroup];
  const swapped = { ...encoder, parameters: [...encoder.parameters].reverse() };
  test.each<[string, AdamWGroup[], string]>([
    ["other groups", [encoder, decoder], "has groups of 2, 1, 1 parameters; this run trains groups of 2, 1"],
    [
      "another order",
      [swapped, decoder, rest],
      "parameter 0 (encoder.bias) has moments of shape [5,7] for a parameter of [5]",
    ],
  ])("%s", async (_, groups, message) => {
    const optimizer = await create(0, groups);
    await expect(readTorchOptimizer(OPTIMIZER, optimizer)).rejects.toThrow(message);
    expect(optimizer.counts().updates).toBe(0);
    expect(optimizer.firstMoments.values.every((v) => v === 0)).toBe(true);
    await optimizer.dispose();
  });

  test.each<[string, Parameters<typeof writeTorchFile>[1], string]>([
    ["a state dict", { weight: 1 }, "holds no state of an optimiser"],
    [
      "another optimiser",
      {
        state: new Map([[0, { step: 1, momentum_buffer: 2 }]]),
        param_groups: [{ params: [0, 1] }, { params: [2] }, { params: [3] }],
      },
      "parameter 0 (encoder.weight) has no exp_avg and exp_avg_sq",
    ],
  ])("%s", async (_, value, message) => {
    const path = join(folder, "optimizer.pt");
    await writeTorchFile(path, value);
    const optimizer = await create(0);
    await expect(readTorchOptimizer(path, optimizer)).rejects.toThrow(message);
    await expect(readTorchOptimizer(OPTIMIZER, optimizer, path)).rejects.toThrow("holds no scheduler's state");
    await optimizer.dispose();
  });
});

test("a file that cannot be written is named and leaves nothing", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(writeTorchFile(join(folder, "file", "flow.pt"), {})).rejects.toThrow(
    `${join(folder, "file", "flow.pt")}: cannot be written: ENOTDIR`,
  );
  expect(await readdir(folder)).toEqual(["file"]);
});
