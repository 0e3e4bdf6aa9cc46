import { mkdtempSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EvaluationError } from "../../errors.ts";
import { PlayerSounds } from "../../report/sounds.ts";
import type { Evaluation, EvaluationClip } from "../evaluation.ts";
import { RunFileError } from "./files.ts";
import { ResultStore } from "./result-store.ts";
import { type RunOptions, runEvaluation } from "./run-evaluations.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "uat-run-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const clip = (name: string, seconds: number, more: Partial<EvaluationClip> = {}): EvaluationClip => ({
  name,
  hash: ResultStore.key(name),
  columns: {},
  read: async (rate) => ({ samples: new Float32Array(rate * seconds), seconds }),
  ...more,
});

/** Counts samples; `measured` says which clips were really measured. */
const lengths = (measured: string[], version = 1): Evaluation => ({
  name: "lengths",
  title: "Lengths",
  protocol: `lengths ${version}`,
  async run(context) {
    const rows = await context.measure(await context.clips(), "length", async (one) => {
      measured.push(one.name);
      return (await one.read(100)).samples.length;
    });
    const value = rows.reduce((sum, row) => sum + row.result, 0);
    return { sections: [{ title: "Sum", figures: [{ id: "sum", name: "Sum", value, n: rows.length }] }] };
  },
});

async function run(evaluation: Evaluation, clips: readonly EvaluationClip[], more: Partial<RunOptions> = {}) {
  const store = await ResultStore.open(join(folder, "results.jsonl"));
  const warnings: string[] = [];
  try {
    const task = await runEvaluation(evaluation, {
      inputs: ["in"],
      source: { clips: async () => clips, open: async (path) => clip(path, 1) },
      store,
      seed: 1,
      signal: new AbortController().signal,
      command: "uat eval",
      machine: {},
      keepPlayer: (player) => new PlayerSounds().keep(player),
      onProgress: () => undefined,
      onNote: () => undefined,
      onWarning: (message) => warnings.push(message),
      ...more,
    });
    return { task, warnings, value: task.sections[0]!.figures[0]!.value };
  } finally {
    await store.close();
  }
}

const clips = [clip("a", 1), clip("b", 2), clip("c", 3)];

test("a second run measures nothing anew and says the same", async () => {
  const measured: string[] = [];
  const first = await run(lengths(measured), clips);
  const second = await run(lengths(measured), clips);
  expect(measured).toEqual(["a", "b", "c"]);
  expect(first.value).toBe(600);
  expect({ ...second.task, written: "" }).toEqual({ ...first.task, written: "" });
  expect(second.task.data).toMatchObject({ clips: 3, minutes: 0.1, leftOut: 0 });
});

test("after a kill in the midst of a line only what is missing is measured", async () => {
  await run(lengths([]), clips);
  const path = join(folder, "results.jsonl");
  truncateSync(path, readFileSync(path).length - 20);
  const measured: string[] = [];
  const { value } = await run(lengths(measured), clips);
  expect(measured).toEqual(["c"]);
  expect(value).toBe(600);
});

test("another protocol, seed, content or text is measured again", async () => {
  await run(lengths([]), clips);
  const counted = async (...args: Parameters<typeof run>) => {
    const measured: string[] = [];
    await run(lengths(measured, args[0] === undefined ? 1 : 2), args[1], args[2]);
    return measured;
  };
  expect(await counted(lengths([]), clips)).toHaveLength(3);
  const same = undefined as never;
  expect(await counted(same, clips, { seed: 2 })).toHaveLength(3);
  expect(await counted(same, [clip("a", 1, { hash: "0".repeat(64) }), clips[1]!])).toEqual(["a"]);
  expect(await counted(same, [clip("a", 1, { text: "words" }), clips[1]!])).toEqual(["a"]);
});

test("clips that cannot be read are left out, counted and named; bugs and full disks end the run", async () => {
  const broken = clip("bad", 1, { read: () => Promise.reject(new EvaluationError("bad: is truncated")) });
  const { task, warnings, value } = await run(lengths([]), [...clips, broken]);
  expect(value).toBe(600);
  expect(warnings).toEqual(["left out: bad: is truncated"]);
  expect(task.data).toMatchObject({
    clips: 4,
    leftOut: 1,
    unreadable: [{ name: "bad", reason: "bad: is truncated" }],
  });
  const bug = clip("bug", 1, { read: () => Promise.reject(new TypeError("x is undefined")) });
  await expect(run(lengths([]), [bug])).rejects.toThrow("x is undefined");
  const full = clip("full", 1, { read: () => Promise.reject(new RunFileError("no space left")) });
  await expect(run(lengths([]), [full])).rejects.toThrow("no space left");
});

test("an aborted run keeps what it has", async () => {
  const abort = new AbortController();
  const stopping = clip("stop", 1, {
    read: async (rate) => {
      abort.abort();
      return { samples: new Float32Array(rate), seconds: 1 };
    },
  });
  const list = [clips[0]!, stopping, clips[1]!];
  await expect(run(lengths([]), list, { signal: abort.signal })).rejects.toThrow(/abort/i);
  const measured: string[] = [];
  await run(lengths(measured), list.toSpliced(1, 1));
  expect(measured).toEqual(["b"]);
});

test("what is remembered is computed once; draws depend on seed and purpose alone", async () => {
  let computed = 0;
  const drawn: number[][] = [];
  const judge: Evaluation = {
    name: "judge",
    title: "Judge",
    protocol: "judge 1",
    async run(context) {
      await context.remember("question 1", async () => ++computed);
      drawn.push([context.random("a").uint32(), context.random("b").uint32(), context.random("a").uint32()]);
      await context.openClip("one.wav");
      return {
        sections: [{ title: "x", figures: [{ id: "x", name: "x", value: Number.NaN }] }],
        facts: { Judge: "j" },
      };
    },
  };
  const { task, value } = await run(judge, []);
  await run(judge, []);
  expect(computed).toBe(1);
  expect(drawn[0]).toEqual(drawn[1]);
  expect(drawn[0]![0]).toBe(drawn[0]![2]);
  expect(drawn[0]![0]).not.toBe(drawn[0]![1]);
  expect(value).toBeNull();
  expect(task.facts).toEqual({ Judge: "j" });
  expect(task.data.clips).toBe(1);
  expect(task.model).toBeUndefined();
});
