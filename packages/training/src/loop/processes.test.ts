/** What becomes of processes that are started: real ones, which know nothing of training. */
import type { ChildProcess } from "node:child_process";
import { afterEach, describe, expect, test, vi } from "vitest";
import { TrainingError } from "../errors.ts";
import type { Collective } from "./collective.ts";
import { joinProcesses, startProcesses } from "./processes.ts";

vi.setConfig({ testTimeout: 30_000 });

const children: ChildProcess[] = [];
let group: Collective | undefined;
afterEach(async () => {
  await group?.close(new Error("the test is over"));
  // every one has ended, whatever the test was
  for (const child of children.splice(0)) expect(child.exitCode ?? child.signalCode).not.toBeNull();
});

const start = (script: string, world = 2, options: string[] = []) => {
  const onStart = (child: ChildProcess) => void children.push(child);
  const args = [...options, "-e", script];
  return (group = startProcesses(world, { command: process.execPath, args, onStart }));
};

describe("a process that ends by itself is told with", () => {
  test("its exit code and what it said", async () => {
    const run = start('console.error("a word before\\nRangeError: too long\\n  at x"); process.exitCode = 7');
    await expect(run.exchange(1)).rejects.toThrow(
      `rank 1 of the run's 2 processes has gone: process ${children[0]?.pid} ended with exit code 7: RangeError: too long`,
    );
  });

  test("its signal", async () => {
    const run = start("setInterval(() => {}, 1000)", 3);
    const waiting = run.sum(new Float32Array(10));
    children[1]?.kill("SIGKILL");
    await expect(waiting).rejects.toThrow(
      `rank 2 of the run's 3 processes has gone: process ${children[1]?.pid} was killed (SIGKILL), as the system does when memory runs out`,
    );
  });

  test("its memory, where it ran out", async () => {
    const run = start("const all = []; for (;;) all.push(Array(1e5).fill(0.5))", 2, ["--max-old-space-size=16"]);
    await expect(run.exchange(1)).rejects.toThrow(/ended (by SIG|with exit code).*FATAL ERROR: .*heap out of memory/);
  });

  test("nothing to wait for, when its connection is held by another", async () => {
    // the grandchild inherits the connection and outlives its parent by seconds
    const run = start(
      'require("child_process").spawn("sleep", ["10"], { stdio: ["ignore", "ignore", "ignore", 3], detached: true }).unref(); process.exit(3)',
    );
    const started = performance.now();
    await expect(run.exchange(1)).rejects.toThrow(/ended with exit code 3/);
    expect(performance.now() - started).toBeLessThan(8000);
  });
});

test("processes end with the run, even those that listen to nothing", async () => {
  const run = start('for (const s of ["SIGTERM", "SIGINT"]) process.on(s, () => {}); setInterval(() => {}, 1000)', 4);
  expect(children).toHaveLength(3);
  await run.close(new Error("over"));
  for (const child of children) expect(child.signalCode).toBe("SIGKILL");
});

test("a command that is not there is an error, not a wait", async () => {
  group = startProcesses(2, { command: "/nowhere/node", args: [] });
  await expect(group.exchange(1)).rejects.toThrow(/rank 1 .* was not started \(spawn \/nowhere\/node ENOENT\)/);
});

describe("a process that looks for its place", () => {
  afterEach(() => void vi.unstubAllEnvs());

  test("has none where nobody started it", () => {
    expect(joinProcesses()).toBeUndefined();
  });

  test("is told that its environment says something else", () => {
    vi.stubEnv("UAT_TRAINING_PROCESS", "1/2");
    expect(joinProcesses).toThrow(TrainingError);
    vi.stubEnv("UAT_TRAINING_PROCESS", "1/2");
    expect(joinProcesses).toThrow("UAT_TRAINING_PROCESS is set to 1/2, but no run has started this process; unset it");
  });
});
