import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntime, type Runtime } from "@uat/graph";
import { writeSafetensorsFile } from "universal-audio-tokenizer/internal";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AdamW } from "../optimizer/adamw.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { constant } from "../optimizer/schedules.ts";
import { WeightAverage } from "../optimizer/weight-average.ts";
import { type CheckpointContent, CheckpointFolder, latestCheckpoint } from "./checkpoint-folder.ts";
import { readCheckpoint } from "./saved-checkpoint.ts";
import { arenaTensors, type WeightStorage } from "./stored-weights.ts";

let runtime: Runtime;
let folder: string;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "checkpoint-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const state = (step: number) => ({
  step,
  seed: 7,
  configHash: "abc",
  counters: { clips: 4 * step },
  random: [1, 2, 3],
  data: { epoch: 1, at: 12 },
  system: { usage: [0.25, null] },
});

/** A small run: w → target by AdamW, with an average. */
class Run {
  readonly parameters = ParameterArena.from([
    { name: "a.weight", shape: [3, 5], values: Float32Array.from({ length: 15 }, (_, i) => Math.sin(i)) },
    { name: "a.bias", shape: [3], values: Float32Array.from([0.1, 0.2, 0.3]) },
  ]);
  optimizer!: AdamW;
  average!: WeightAverage;

  static async create(): Promise<Run> {
    const run = new Run();
    const learningRate = constant({ learningRate: 0.01, warmupSteps: 4 });
    const parameters = ["a.weight", "a.bias"];
    run.optimizer = await AdamW.create(runtime, run.parameters, [{ name: "all", parameters, learningRate }]);
    run.average = await WeightAverage.create(runtime, run.parameters, parameters, 0.9);
    return run;
  }

  async train(steps: number): Promise<void> {
    const gradients = this.optimizer.newGradients();
    for (let i = 0; i < steps; i++) {
      for (const { name } of gradients.entries)
        gradients.view(name).set(this.parameters.view(name).map((w, k) => w - Math.cos(k)));
      await this.optimizer.step(gradients);
      await this.average.update();
    }
  }

  content(step: number, storage: WeightStorage = "fp32"): CheckpointContent {
    return {
      state: state(step),
      writeModel: (into) =>
        writeSafetensorsFile(join(into, "model.safetensors"), arenaTensors(this.parameters, storage)),
      optimizers: { main: this.optimizer },
      averages: { main: this.average.average },
      ...(storage !== "fp32" && { weights: arenaTensors(this.parameters) }),
    };
  }
}

const files = async (path: string) => (await readdir(path, { recursive: true })).sort();

describe("a run that is resumed", () => {
  test.each(["bf16", "fp16"] as const)("from %s weights goes on bit by bit", async (storage) => {
    const whole = await Run.create();
    await whole.train(5);
    const checkpoints = await CheckpointFolder.open(folder, { keep: 3 });
    const path = await checkpoints.save(whole.content(5, storage));
    expect(path).toBe(join(folder, "checkpoint-5"));
    await whole.train(5);

    const resumed = await Run.create();
    const saved = (await checkpoints.latest())!;
    expect(saved.state).toEqual({
      format: 1,
      ...state(5),
      optimizers: { main: { updates: 5, steps: { "a.weight": 5, "a.bias": 5 } } },
    });
    expect([...(await saved.restoreWeights(resumed.parameters))].sort()).toEqual(["a.bias", "a.weight"]);
    await saved.restoreOptimizer("main", resumed.optimizer);
    await saved.restoreAverage("main", resumed.average.average);
    await resumed.train(5);
    expect(resumed.parameters.values).toEqual(whole.parameters.values);
    expect(resumed.average.average.values).toEqual(whole.average.average.values);
    expect(resumed.optimizer.secondMoments.values).toEqual(whole.optimizer.secondMoments.values);
  });

  test("has weights beside the model only where that does not hold them", async () => {
    const run = await Run.create();
    const checkpoints = await CheckpointFolder.open(folder, { keep: 3 });
    await checkpoints.save(run.content(1));
    expect(await files(join(folder, "checkpoint-1"))).toEqual([
      "model.safetensors",
      "training",
      "training/main.average.safetensors",
      "training/main.exp_avg.safetensors",
      "training/main.exp_avg_sq.safetensors",
      "training/manifest.json",
      "training/state.json",
    ]);
    const saved = (await checkpoints.latest())!;
    expect((await saved.restoreWeights(run.parameters)).size).toBe(0);
  });

  test("with other parameters, or of another kind, is refused", async () => {
    const run = await Run.create();
    const checkpoints = await CheckpointFolder.open(folder, { keep: 3 });
    await checkpoints.save(run.content(1));
    const saved = (await checkpoints.latest())!;
    const learningRate = constant({ learningRate: 1 });
    const part = await AdamW.create(runtime, run.parameters, [{ name: "all", parameters: ["a.bias"], learningRate }]);
    await expect(saved.restoreOptimizer("main", part)).rejects.toThrow(
      `${saved.path}: the saved optimiser has trained a.weight, which is frozen or missing now`,
    );
    await expect(saved.restoreOptimizer("discriminator", part)).rejects.toThrow("has no optimiser discriminator");
    await expect(saved.openTensors("codebook")).rejects.toThrow("has no codebook");
    const other = ParameterArena.zeros([{ name: "a.bias", shape: [4] }]);
    await expect(saved.restoreAverage("main", other)).rejects.toThrow(
      "main.average.safetensors: a.bias has shape [3], the model's has [4]",
    );
  });
});

test("the newest are kept, and every tenth", async () => {
  const run = await Run.create();
  const checkpoints = await CheckpointFolder.open(folder, { keep: 2, keepEvery: 10 });
  for (const step of [5, 10, 15, 20, 25, 30, 35]) await checkpoints.save(run.content(step));
  expect(await files(folder).then((all) => all.filter((f) => !f.includes("/")))).toEqual([
    "checkpoint-10",
    "checkpoint-20",
    "checkpoint-30",
    "checkpoint-35",
  ]);
});

test("a run that went back writes its checkpoints again and keeps them", async () => {
  const run = await Run.create();
  const checkpoints = await CheckpointFolder.open(folder, { keep: 1 });
  await checkpoints.save(run.content(20));
  await run.train(1);
  await checkpoints.save(run.content(10));
  expect(await readdir(folder)).toEqual(["checkpoint-10", "checkpoint-20"]);
  await run.train(1);
  await checkpoints.save(run.content(20));
  expect(await readdir(folder)).toEqual(["checkpoint-20"]);
  expect((await checkpoints.latest())!.state.optimizers.main!.updates).toBe(2);
});

describe("damage", () => {
  const spoil: [string, (path: string) => Promise<unknown>, string][] = [
    ["cut short", (p) => truncate(join(p, "model.safetensors"), 100), "model.safetensors: has 100 bytes where"],
    ["grown", (p) => appendFile(join(p, "training/state.json"), " "), "training/state.json: has"],
    [
      "one bit",
      async (p) => {
        const file = join(p, "training/main.exp_avg.safetensors");
        const bytes = await readFile(file);
        bytes[bytes.length - 3]! ^= 1;
        await writeFile(file, bytes);
      },
      "main.exp_avg.safetensors: is not as it was written",
    ],
    ["a missing file", (p) => rm(join(p, "training/state.json")), "training/state.json is missing"],
    ["no manifest", (p) => rm(join(p, "training/manifest.json")), "training/manifest.json is missing"],
    ["another JSON", (p) => writeFile(join(p, "training/manifest.json"), "{}"), "is damaged or of another version"],
    ["no JSON", (p) => writeFile(join(p, "training/manifest.json"), '{"for'), "is damaged (not JSON)"],
    [
      "a manifest that leads elsewhere",
      (p) =>
        writeFile(
          join(p, "training/manifest.json"),
          JSON.stringify({ format: 1, files: { "a/../../../x": { bytes: 1, crc32: 1 } } }),
        ),
      "manifest.json: is damaged or of another version",
    ],
  ];

  test.each(spoil)("%s: the one before it is taken, with a warning", async (_, damage, message) => {
    const run = await Run.create();
    const checkpoints = await CheckpointFolder.open(folder, { keep: 3 });
    await checkpoints.save(run.content(1));
    await checkpoints.save(run.content(2));
    await damage(join(folder, "checkpoint-2"));
    const warnings: string[] = [];
    const saved = await latestCheckpoint(folder, (warning) => warnings.push(warning));
    expect(saved!.state.step).toBe(1);
    expect(warnings).toEqual([expect.stringContaining(message)]);
    expect(warnings[0]).toMatch(/; going back to checkpoint-1$/);
    await expect(readCheckpoint(join(folder, "checkpoint-2"))).rejects.toMatchObject({ isInputError: true });
  });

  test("of all is an error, none at all is not", async () => {
    expect(await latestCheckpoint(folder)).toBeUndefined();
    expect(await latestCheckpoint(join(folder, "nowhere"))).toBeUndefined();
    await mkdir(join(folder, "checkpoint-3"));
    await expect(latestCheckpoint(folder)).rejects.toThrow(
      `none of its 1 checkpoints can be used (${join(folder, "checkpoint-3")}`,
    );
  });
});

describe.skipIf(!existsSync("/dev/full"))("a disk that is full", () => {
  test("is told with the path; nothing half-written stays, and the checkpoint before is whole", async () => {
    const run = await Run.create();
    const checkpoints = await CheckpointFolder.open(folder, { keep: 1 });
    await checkpoints.save(run.content(1));
    const full = { ...run.content(2), writeModel: () => writeFile("/dev/full", "the kernel answers ENOSPC") };
    await expect(checkpoints.save(full)).rejects.toMatchObject({
      isInputError: true,
      message: `${join(folder, "checkpoint-2")}: cannot be written: the disk is full; free some space and resume; checkpoint-1 is as it was`,
    });
    expect(await readdir(folder)).toEqual(["checkpoint-1"]);
    expect((await checkpoints.latest())!.state.step).toBe(1);
  });
});

describe("what a killed process left", () => {
  const DEAD = 999_999_999; // no system gives out such a number

  test("is swept at the next start, unless its process lives", async () => {
    await mkdir(join(folder, `.checkpoint-4.${DEAD}-0123abcd.new`, "training"), { recursive: true });
    await mkdir(join(folder, `.checkpoint-5.${process.pid}-0123abcd.new`));
    await mkdir(join(folder, `.checkpoint-6.${process.ppid}-0123abcd.new`));
    await mkdir(join(folder, "other"));
    await CheckpointFolder.open(folder, { keep: 1 });
    expect((await readdir(folder)).sort()).toEqual([`.checkpoint-6.${process.ppid}-0123abcd.new`, "other"]);
  });

  test("between the renames of a replacement gets its name back", async () => {
    const run = await Run.create();
    const checkpoints = await CheckpointFolder.open(folder, { keep: 1 });
    await checkpoints.save(run.content(4));
    await rename(join(folder, "checkpoint-4"), join(folder, `.checkpoint-4.${DEAD}-0123abcd.old`));
    await mkdir(join(folder, `.checkpoint-4.${DEAD}-89abcdef.new`));
    expect(await checkpoints.latest()).toBeUndefined();
    const next = await CheckpointFolder.open(folder, { keep: 1 });
    expect(await readdir(folder)).toEqual(["checkpoint-4"]);
    expect((await next.latest())!.state.step).toBe(4);
  });

  test.each(["model", "tensors"])("while it wrote %s is never taken for a checkpoint", async (when) => {
    const checkpoints = await CheckpointFolder.open(folder, { keep: 2 });
    await checkpoints.save((await Run.create()).content(1));
    const script = new URL("./killed-while-saving.test-helper.ts", import.meta.url).pathname;
    const signal = await new Promise((resolve) => {
      execFile(process.execPath, ["--import", "tsx", script, folder, when], (error) => resolve(error?.signal));
    });
    expect(signal).toBe("SIGKILL");
    expect((await readdir(folder)).filter((name) => name.startsWith(".checkpoint-2."))).toHaveLength(1);
    expect((await latestCheckpoint(folder))!.state.step).toBe(1);
    await CheckpointFolder.open(folder, { keep: 2 });
    expect(await readdir(folder)).toEqual(["checkpoint-1"]);
  });
});

test("a number that JSON cannot hold is not saved as null", async () => {
  const run = await Run.create();
  const checkpoints = await CheckpointFolder.open(folder, { keep: 1 });
  const content = { ...run.content(1), state: { ...state(1), counters: { best: Number.POSITIVE_INFINITY } } };
  await expect(checkpoints.save(content)).rejects.toThrow("best is Infinity");
  expect(await readdir(folder)).toEqual([]);
});
