/** Runs of several processes train as one does; here all of them are in one process, over sockets. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRuntime, type Runtime } from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CheckpointFolder, latestCheckpoint } from "../checkpoint/checkpoint-folder.ts";
import { parseRunConfig } from "../config/read-run-config.ts";
import { type Batch, loadBatches } from "../data/loader.ts";
import { openManifestSource } from "../data/manifest-source.ts";
import { Mixture } from "../data/mixture.ts";
import { LossProgram } from "../engine/loss-program.ts";
import { TrainingError } from "../errors.ts";
import { AdamW } from "../optimizer/adamw.ts";
import { ParameterArena } from "../optimizer/parameter-arena.ts";
import { alone, type Collective } from "./collective.ts";
import { Follower, Leader } from "./collective-group.ts";
import { createSystem } from "./create-system.ts";
import { type Row, socketPair, temporaryFolder, tinyRun, toneRows, writeRows } from "./processes.test-helper.ts";
import { sameWeights } from "./shares.ts";
import { NonFiniteError, type TrainingSystem } from "./system.ts";
import { type TrainOptions, train } from "./train.ts";
import { Updater } from "./updater.ts";

vi.setConfig({ testTimeout: 60_000 });

const { folder, remove } = temporaryFolder();
afterAll(remove);
let rows: Row[];
let runtime: Runtime;

beforeAll(async () => {
  rows = toneRows(folder);
  writeRows(folder, "rows.jsonl", rows);
  runtime = await createRuntime({ threads: 1, thread: "calling" });
});
afterAll(() => runtime.dispose());

async function two(): Promise<[Leader, Follower]> {
  const [near, far] = await socketPair(folder);
  return [new Leader([near]), new Follower(far, 1, 2)];
}

describe("steps of a system", () => {
  const systems: TrainingSystem[] = [];
  afterAll(() => Promise.all(systems.map((system) => system.dispose())));

  async function system(yaml: string, collective: Collective): Promise<TrainingSystem> {
    const config = parseRunConfig(yaml, join(folder, "run.yaml"));
    const examples = async function* () {};
    const made = await createSystem(config, { runtime, collective, file: "run.yaml", out: folder, examples });
    systems.push(made);
    return made;
  }

  /** The first batches of two clips of a process's share. */
  async function batches(of: TrainingSystem, count: number, rank: number, world: number): Promise<Batch[]> {
    const source = await openManifestSource(join(folder, "rows.jsonl"));
    const stream = new Mixture([{ source, weight: 1 }], 3, { rank, world });
    const all: Batch[] = [];
    for await (const batch of loadBatches({ stream, batchSize: 2, ...of.training, seed: 3, workers: 0 }))
      if (all.push(batch) === count) break;
    await source.close();
    return all;
  }

  const optimizer = (of: TrainingSystem) => of.checkpoint().optimizers.adamw as AdamW;
  /** Largest difference, relative to the largest value of each parameter. */
  function difference(a: AdamW, b: AdamW, of: "parameters" | "firstMoments") {
    let worst = 0;
    for (const { name } of a[of].entries) {
      const [x, y] = [a[of].view(name), b[of].view(name)];
      const scale = x.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const far = x.reduce((most, value, i) => Math.max(most, Math.abs(value - (y[i] as number))), 0);
      if (far > 0) worst = Math.max(worst, far / scale);
    }
    return worst;
  }

  test("of two processes are those of one that averages the batches of both", async () => {
    // no dropout, no restarts: each process draws these for itself
    const yaml = tinyRun("rows.jsonl", { steps: 10 });
    const one = await system(yaml, alone);
    await one.step(await batches(one, 1, 0, 1));
    const { system: state, ...content } = one.checkpoint();
    const folderOf = await CheckpointFolder.open(join(folder, "start"), { keep: 1 });
    await folderOf.save({
      ...content,
      state: { step: 1, seed: 3, configHash: "", counters: {}, random: null, data: null, system: state },
    });
    const start = (await latestCheckpoint(join(folder, "start")))!;
    const group = await two();
    const ranks = [await system(yaml, group[0]), await system(yaml, group[1])];
    for (const made of ranks) await made.restore(start);
    const shares = [await batches(one, 3, 0, 2), await batches(one, 3, 1, 2)];
    expect(new Set(shares.flat().flatMap(({ ids }) => ids)).size).toBe(12);

    for (let step = 0; step < 3; step++) {
      const both = shares.map((share) => share[step] as Batch);
      const single = await one.step(both);
      const told = await Promise.all(ranks.map((made, rank) => made.step([both[rank] as Batch])));
      expect(((told[0]!.loss as number) + (told[1]!.loss as number)) / 2).toBeCloseTo(single.loss as number, 5);
      expect(told[0]!.gradient_norm).toBeCloseTo(single.gradient_norm as number, 5);
      expect(told[1]!.gradient_norm).toBe(told[0]!.gradient_norm);
      for (const name of ["codebook_usage", "codebook_active"]) {
        expect(told[0]![name]).toBe(single[name]);
        expect(told[1]![name]).toBe(single[name]);
      }
      const [a, b] = ranks.map(optimizer) as [AdamW, AdamW];
      expect(bytes(b.parameters.values).equals(bytes(a.parameters.values))).toBe(true);
      // the same numbers are added in the same order; from then on the codebooks differ in rounding
      if (step === 0) expect(difference(optimizer(one), a, "firstMoments")).toBe(0);
      expect(difference(optimizer(one), a, "parameters")).toBeLessThan(5e-6);
      expect(difference(optimizer(one), a, "firstMoments")).toBeLessThan(5e-6);
    }
    expect(ranks[1]!.checkpoint().system).toEqual(ranks[0]!.checkpoint().system);
  });

  test("leave equal weights whatever each process draws", async () => {
    const config = { dropout: 0.1, quantize_restart_interval: 1, quantize_vocab_size: 64 };
    const yaml = tinyRun("rows.jsonl", { steps: 10 }, config);
    const group = await two();
    const ranks = [await system(yaml, group[0]), await system(yaml, group[1])];
    const shares = [await batches(ranks[0]!, 3, 0, 2), await batches(ranks[0]!, 3, 1, 2)];
    let restarted = 0;
    for (let step = 0; step < 3; step++) {
      const told = await Promise.all(ranks.map((made, rank) => made.step([shares[rank]![step] as Batch])));
      expect(told[0]!.loss).not.toBe(told[1]!.loss);
      restarted += told[0]!.codebook_restarted as number;
      const [a, b] = ranks.map(optimizer) as [AdamW, AdamW];
      expect(bytes(b.parameters.values).equals(bytes(a.parameters.values))).toBe(true);
      expect(bytes(b.secondMoments.values).equals(bytes(a.secondMoments.values))).toBe(true);
    }
    expect(restarted).toBeGreaterThan(0);
  });
});

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);

test("weights that drift apart end a run before they are saved", async () => {
  const group = await two();
  const checks = group.map((collective, rank) => {
    const optimizers = { adamw: { parameters: { values: Float32Array.of(1, 2, 3 + 1e-6 * rank) } } };
    return sameWeights({ checkpoint: () => ({ optimizers }) } as unknown as TrainingSystem, collective, 7);
  });
  for (const check of await Promise.allSettled(checks))
    expect((check as PromiseRejectedResult).reason).toEqual(
      new TrainingError(
        "step 7: the weights of rank 1 are no longer those of rank 0; go on from the last checkpoint with --resume",
      ),
    );
});

test("a loss that is no number in one process is found in all, and laid at its door", async () => {
  const group = await two();
  const updaters = await Promise.all(
    group.map(async (collective) => {
      const parameters = ParameterArena.from([{ name: "w", shape: [2], values: Float32Array.of(1, 2) }]);
      const groups = [{ name: "all", parameters: ["w"], learningRate: () => 1 }];
      const adamw = await AdamW.create(runtime, parameters, groups);
      const program = await LossProgram.compile(runtime, "loss", { parameters, trained: new Set(["w"]) }, (g, p) => ({
        loss: p
          .tensor("w", [2])
          .mul(g.input("x", [2]))
          .mean([0]),
      }));
      return { parameters, program, updater: await Updater.create(runtime, adamw, { clip: 1, collective }) };
    }),
  );
  const inputs = [1, Number.NaN].map((x) => ({ x: { data: Float32Array.of(1, x), shape: [2] } }));
  const updates = updaters.map(({ updater, program }, rank) => updater.update(program, [inputs[rank]!]));
  const errors = (await Promise.allSettled(updates)).map((end) => (end as PromiseRejectedResult).reason);
  for (const error of errors) expect(error).toBeInstanceOf(NonFiniteError);
  expect(errors.map(({ loss }) => loss)).toEqual([1.5, Number.NaN]);
  for (const { parameters, program, updater } of updaters) {
    expect([...parameters.view("w")]).toEqual([1, 2]);
    await updater.dispose();
    await program.dispose();
  }
});

describe("a run", () => {
  let runs = 0;

  /** Both processes of a run. @param options of rank 0. */
  async function runBoth(yaml: string, options: Partial<TrainOptions> = {}) {
    const name = `run-${runs++}`;
    writeFileSync(join(folder, `${name}.yaml`), yaml);
    const group = await two();
    const out = join(folder, name);
    const results = await Promise.allSettled(
      group.map((collective, rank) =>
        train(join(folder, `${name}.yaml`), { out, collective, ...(rank === 0 && options) }),
      ),
    );
    const log = join(out, "metrics.jsonl");
    const lines = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : [];
    return { out, results, metrics: lines.map((line) => JSON.parse(line) as Record<string, number>) };
  }

  /** The row that a process draws at a position, of as many as there are. */
  async function drawn(length: number, rank: number, position: number): Promise<number> {
    writeRows(folder, "many.jsonl", manyRows(length));
    const source = await openManifestSource(join(folder, "many.jsonl"));
    const { row } = new Mixture([{ source, weight: 1 }], 3, { rank, world: 2 }).draw(position);
    await source.close();
    return row;
  }

  const manyRows = (length: number) => Array.from({ length }, (_, i) => rows[i % rows.length] as Row);

  test("is told by rank 0: means of both, clips that either left out, where each goes on", async () => {
    const broken = await drawn(400, 1, 1);
    const list = manyRows(400);
    writeFileSync(join(folder, "clips/broken.wav"), "no audio");
    list[broken] = { audio: "clips/broken.wav", text: "nothing" };
    writeRows(folder, "many.jsonl", list);
    const onWarning = vi.fn();
    const settings = { steps: 2, processes: 2, save_every: 2 };
    const { out, results, metrics } = await runBoth(tinyRun("many.jsonl", settings), { onWarning });
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled"]);
    const [a, b] = results.map((result) => (result as PromiseFulfilledResult<Awaited<ReturnType<typeof train>>>).value);
    expect(b!.metrics).toEqual(a!.metrics);
    expect(metrics.map(({ loss }) => loss).at(-1)).toBe(a!.metrics.loss);
    expect(onWarning.mock.calls).toEqual([[expect.stringMatching(`many.jsonl:${broken + 1}: left out \\(`)]]);
    expect(metrics.map((row) => row.unreadable_clips)).toEqual([1, 1]);
    expect((await latestCheckpoint(out))!.state.data).toEqual({ next: [4, 5] });
  });

  test("ends for all with what only one process has met", async () => {
    const long = await drawn(40, 1, 2);
    const list = manyRows(40);
    list[long] = { ...(list[long] as Row), text: "too long for the decoder ".repeat(4) };
    writeRows(folder, "many.jsonl", list);
    const { results } = await runBoth(tinyRun("many.jsonl", { steps: 4, processes: 2 }));
    const [leader, follower] = results.map((result) => (result as PromiseRejectedResult).reason as Error);
    expect(leader).toBeInstanceOf(TrainingError);
    expect(leader!.message).toBe(follower!.message);
    expect(leader!.message).toContain(`many.jsonl:${long + 1}: its text has 84 tokens`);
  });

  test("ends in order where rank 0 is asked to, and goes on to the same weights", async () => {
    const yaml = tinyRun("rows.jsonl", { steps: 6, processes: 2, save_every: 100 }, { dropout: 0.1 });
    const whole = await runBoth(yaml);
    const stop = new AbortController();
    const options = { onProgress: () => stop.abort(), signal: stop.signal };
    const part = await runBoth(yaml, options);
    expect(part.metrics).toHaveLength(1);
    const group = await two();
    const name = part.out.replace(/.*\//, "");
    const ends = await Promise.all(
      group.map((collective) => train(join(folder, `${name}.yaml`), { out: part.out, collective, resume: true })),
    );
    expect(ends.map(({ steps }) => steps)).toEqual([6, 6]);
    const state = async (out: string) => readFileSync(join(out, "checkpoint-6/training/adamw.exp_avg.safetensors"));
    expect((await state(part.out)).equals(await state(whole.out))).toBe(true);
    await expect(
      train(join(folder, `${name}.yaml`), { out: part.out, collective: alone, resume: true }),
    ).rejects.toThrow("was trained by 2 processes, not 1");
  });

  test("refuses what cannot be shared, before anything is started", async () => {
    const start = (yaml: string) => {
      const path = join(folder, `run-${runs++}.yaml`);
      writeFileSync(path, yaml);
      return train(path, { out: join(folder, `run-${runs}`), worker: { command: "never", args: [] } });
    };
    await expect(start(tinyRun("rows.jsonl", { steps: 1, processes: 3 }))).rejects.toThrow(
      /batch_size is 4, which 3 processes cannot share evenly; set batch_size to 3 or 6, or other processes$/,
    );
    await expect(start(tinyRun("rows.jsonl", { steps: 1, processes: 8 }))).rejects.toThrow("set batch_size to 8,");
    writeRows(folder, "single.jsonl", rows.slice(0, 1));
    await expect(start(tinyRun("single.jsonl", { steps: 1, processes: 2 }))).rejects.toThrow(
      /data\.train has 1 row for 2 processes; expected one each at the least; set processes: 1$/,
    );
  });
});
