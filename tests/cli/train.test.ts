/** `uat train` as people meet it: a run, resumes after SIGKILL, a stop by signal, data and disks that are not as hoped. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Random } from "@uat/training";
import { parquetWriteFile } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { namesIn, root, uat } from "./run-uat.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "uat-train-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WORDS = ["one", "two", "three", "four", "five", "six"];

/** A list of short clips of tones; `change` may spoil rows. */
function clips(name: string, count: number, change: (row: Record<string, unknown>, i: number) => unknown = (r) => r) {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  const random = new Random(7);
  const rows = Array.from({ length: count }, (_, i) => {
    const pitch = 150 + 50 * (i % WORDS.length);
    const samples = Float32Array.from(
      { length: 4800 + 400 * (i % 3) },
      (_, n) => 0.3 * Math.sin((2 * Math.PI * pitch * n) / 16000) + 0.01 * random.normal(),
    );
    writeFileSync(join(place, `${i}.wav`), encodeWav([samples], 16000));
    return change({ path: `${i}.wav`, text: WORDS[i % WORDS.length], task: "asr" }, i);
  });
  const list = join(place, "list.jsonl");
  writeFileSync(list, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return list;
}

const LAYERS = { encoder_attention_heads: 2, encoder_ffn_dim: 32, decoder_attention_heads: 2, decoder_ffn_dim: 32 };

/** A configuration of a very small tokeniser. */
function configuration(name: string, source: object, more: { rate?: number; steps?: number } = {}): string {
  const { rate = 1e-3, steps = 30 } = more;
  const group = { lr: rate, warmup: 0 };
  const path = join(folder, `${name}.yaml`);
  const config = {
    system: "tokenizer",
    seed: 3,
    steps,
    batch_size: 2,
    save_every: 5,
    evaluate_every: 0,
    model: {
      tokenizer: "bytes",
      config: {
        ...LAYERS,
        d_model: 16,
        encoder_layers: 2,
        decoder_layers: 1,
        num_mel_bins: 80,
        max_target_positions: 32,
        pooling_kernel_size: 2,
        pooling_type: "avg",
        quantize_vocab_size: 16,
        quantize_position: 1,
        quantize_ema_decay: 0.95,
        quantize_restart_interval: 4,
        encoder_residual_source_position: 1,
        encoder_residual_target_position: 2,
        use_residual_adapter: true,
        use_residual_gate: true,
      },
    },
    data: { train: [source], max_seconds: 1 },
    optimizer: { groups: { encoder: group, decoder: group, rest: group } },
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}

type Row = { step: number; loss: number; split?: string };
const metrics = (out: string): Row[] =>
  readFileSync(join(out, "metrics.jsonl"), "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Row);
const losses = (out: string) => metrics(out).map(({ step, loss }) => [step, loss]);

describe("a run", () => {
  test("leaves metrics, checkpoints in the official layout, events and a report; its tokens can be used", async () => {
    const out = join(folder, "run");
    const config = configuration("run", { manifest: clips("run-clips", 6) }, { steps: 12 });
    const { code, stdout, stderr } = await uat(["train", config, "--out", out, "--quiet"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/^→ step 12, loss [\d.]+: .*checkpoint-12; .*report\.html\n$/);
    expect(losses(out).map(([step]) => step)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    expect(namesIn(out).filter((n) => n.startsWith("checkpoint"))).toEqual([
      "checkpoint-10",
      "checkpoint-12",
      "checkpoint-5",
    ]);
    expect(namesIn(join(out, "checkpoint-12", "tokenizer"))).toEqual([
      "config.json",
      "model.safetensors",
      "preprocessor_config.json",
      "tokenizer.json",
    ]);
    expect(namesIn(out).some((n) => n.startsWith("events.out.tfevents."))).toBe(true);
    expect(namesIn(out)).not.toContain(".running");
    expect(readFileSync(join(out, "report.html"), "utf8")).toContain("<svg");
    const tokens = await uat([
      "tokenize",
      join(folder, "run-clips", "0.wav"),
      "--model",
      join(out, "checkpoint-12"),
      "--format",
      "txt",
    ]);
    expect(tokens.code).toBe(0);
    const codes = tokens.stdout.toString().trim().split(" ").map(Number);
    expect(codes.length).toBe(8);
    expect(codes.every((c) => c >= 0 && c < 16)).toBe(true);
  });

  test("is not overwritten, and goes on with --resume to the losses of a run in one piece", async () => {
    const list = clips("resume-clips", 7);
    const whole = join(folder, "whole");
    const parts = join(folder, "parts");
    const config = configuration("resume", { manifest: list }, { steps: 17 });
    expect((await uat(["train", config, "--out", whole, "-q"])).code).toBe(0);
    expect((await uat(["train", config, "--out", parts, "-q", "--steps", "8"])).code).toBe(0);
    const again = await uat(["train", config, "--out", parts, "-q"]);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("holds a run already; go on with --resume");
    expect((await uat(["train", config, "--out", parts, "-q", "--resume"])).code).toBe(0);
    expect(losses(parts)).toEqual(losses(whole));
    const other = configuration("resume-other", { manifest: list }, { steps: 20, rate: 2e-3 });
    const refused = await uat(["train", other, "--out", parts, "-q", "--resume"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("another configuration");
  });

  test("ends after its step by a signal, with a checkpoint to go on from", async () => {
    const out = join(folder, "signal");
    const config = configuration("signal", { manifest: clips("signal-clips", 6) }, { steps: 100_000 });
    const { code, stderr } = await uat(["train", config, "--out", out], {
      onStart: (child) => untilRows(out, 3, child).then(() => child.kill("SIGTERM")),
    });
    expect(code).toBe(143);
    expect(stderr).toContain("ending after this step");
    const last = losses(out).at(-1)?.[0];
    expect(namesIn(out)).toContain(`checkpoint-${last}`);
    expect(namesIn(out)).not.toContain(".running");
    const resumed = await uat(["train", config, "--out", out, "--resume", "-q", "--steps", String(last! + 3)]);
    expect(resumed.code).toBe(0);
    expect(losses(out).map(([step]) => step)).toEqual(Array.from({ length: last! + 3 }, (_, i) => i + 1));
  });
});

/** Resolves when the metrics have `count` rows more than now. */
async function untilRows(out: string, count: number, child: ChildProcess): Promise<void> {
  const rows = () =>
    existsSync(join(out, "metrics.jsonl")) ? readFileSync(join(out, "metrics.jsonl"), "utf8").split("\n").length : 0;
  let goal = rows() + count;
  let least = rows();
  while (child.exitCode === null && child.signalCode === null) {
    const now = rows();
    // a resume cuts the history back first
    if (now < least) goal = now + count;
    least = Math.min(least, now);
    if (now >= goal) return;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

test("killed ten times at random, it comes to the losses of a run in one piece", async () => {
  const config = configuration("kill", { manifest: clips("kill-clips", 9) }, { steps: 90 });
  const whole = join(folder, "unkilled");
  expect((await uat(["train", config, "--out", whole, "-q"])).code).toBe(0);
  const out = join(folder, "killed");
  const random = new Random(11);
  let kills = 0;
  for (let attempt = 0; attempt < 40; attempt++) {
    const { code, stderr } = await uat(["train", config, "--out", out, "-q", "--resume"], {
      onStart(child) {
        if (kills >= 10) return;
        void untilRows(out, 1 + random.below(9), child)
          .then(() => new Promise((resolve) => setTimeout(resolve, random.below(12))))
          .then(() => child.kill("SIGKILL"));
      },
    });
    if (code === 0) break;
    expect([code, stderr]).toEqual([137, ""]);
    kills++;
  }
  expect(kills).toBe(10);
  expect(losses(out)).toEqual(losses(whole));
  expect(namesIn(out).filter((n) => n.startsWith(".checkpoint"))).toEqual([]);
}, 300_000);

describe("what is wrong is told in one line, with exit code 2", () => {
  const refused = async (config: string, out: string, ...more: string[]) => {
    const { code, stderr, stdout } = await uat(["train", config, "--out", join(folder, out), "-q", ...more]);
    expect(stdout.toString()).toBe("");
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(code).toBe(2);
    return stderr;
  };

  test("a loss that is not a number: the step, its clips and the last good checkpoint", async () => {
    const list = clips("nan-clips", 6);
    const out = join(folder, "nan");
    expect((await uat(["train", configuration("nan-0", { manifest: list }, { steps: 5 }), "-o", out, "-q"])).code).toBe(
      0,
    );
    const config = configuration("nan", { manifest: list }, { rate: 1e30, steps: 20 });
    const text = await refused(config, "nan-1");
    expect(text).toMatch(/step \d+: the loss is (NaN|Infinity).*clips of this step: .*list\.jsonl:\d+/);
    expect(text).toMatch(/last good checkpoint is .*checkpoint-5|no checkpoint yet/);
    expect(readFileSync(join(folder, "nan-1", "report.html"), "utf8")).toContain("the loss is");
  });

  test("a Parquet file without the column", async () => {
    const path = join(folder, "no-text.parquet");
    parquetWriteFile({ filename: path, columnData: [{ name: "path", data: ["a.wav"], type: "STRING" }] });
    const text = await refused(configuration("column", { path, task: "asr" }), "column");
    expect(text).toContain("no-text.parquet");
    expect(text).toContain("text");
    expect(text).toContain("path");
  });

  test("an empty list", async () => {
    const path = join(folder, "empty.jsonl");
    writeFileSync(path, "");
    expect(await refused(configuration("empty", { manifest: path }), "empty")).toContain("empty.jsonl");
  });

  test("a label outside the vocabulary", async () => {
    const list = clips("label-clips", 4, (row, i) => ({ ...row, task: "ser", text: i === 2 ? "Hunger" : "Anger" }));
    const text = await refused(configuration("label", { manifest: list }), "label");
    expect(text).toContain("list.jsonl:3");
    expect(text).toContain("Hunger");
  });

  test("a row without a task", async () => {
    const list = clips("task-clips", 4, ({ task: _, ...row }) => row);
    expect(await refused(configuration("task", { manifest: list }), "task")).toContain("names no task");
  });

  test("more than 1 % of unreadable clips; the first are named", async () => {
    const list = clips("torn-clips", 20);
    for (const i of [3, 8]) writeFileSync(join(folder, "torn-clips", `${i}.wav`), "not a sound");
    const text = await refused(configuration("torn", { manifest: list }, { steps: 200 }), "torn");
    expect(text).toMatch(/list\.jsonl:(4|9)/);
    expect(text).toContain("%");
  });

  test("an unknown key, with the nearest known one", async () => {
    const path = join(folder, "key.yaml");
    writeFileSync(path, "system: tokenizer\nsteps: 5\nbatch_sise: 2\n");
    expect(await refused(path, "key")).toContain("batch_size");
  });

  test("a folder in which a run is going on", async () => {
    const out = join(folder, "busy");
    mkdirSync(out);
    writeFileSync(join(out, ".running"), String(process.pid));
    const config = configuration("busy", { manifest: clips("busy-clips", 3) });
    expect(await refused(config, "busy")).toContain("is training here");
  });
});

test("one unreadable clip among many is left out, counted and named", async () => {
  const list = clips("one-torn-clips", 150);
  writeFileSync(join(folder, "one-torn-clips", "5.wav"), "not a sound");
  const out = join(folder, "one-torn");
  const config = configuration("one-torn", { manifest: list }, { steps: 80 });
  const { code, stderr } = await uat(["train", config, "--out", out]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: .*list\.jsonl:6: left out/);
  expect((metrics(out).at(-1) as unknown as { unreadable_clips: number }).unreadable_clips).toBe(1);
});

test("a full disk: the file is named and the last checkpoint stays whole", async () => {
  const out = join(folder, "full");
  const config = configuration("full", { manifest: clips("full-clips", 4) }, { steps: 5 });
  expect((await uat(["train", config, "--out", out, "-q"])).code).toBe(0);
  // no file may grow past 100 KiB, which the checkpoint's weights do
  const bin = join(root, "packages/codec/bin/uat.js");
  const child = spawn("bash", [
    "-c",
    'trap "" XFSZ; ulimit -f 100; exec "$@"',
    "bash",
    process.execPath,
    bin,
    ...["train", config, "--out", out, "-q", "--resume", "--steps", "10"],
  ]);
  let stderr = "";
  child.stderr.on("data", (part: Buffer) => (stderr += part));
  const code = await new Promise((resolve) => child.on("close", resolve));
  expect([code, stderr.trimEnd().split("\n").length]).toEqual([2, 1]);
  expect(stderr).toContain("checkpoint-10");
  expect(readdirSync(out).filter((n) => n.includes("checkpoint"))).toEqual(["checkpoint-5"]);
  const resumed = await uat(["train", config, "--out", out, "-q", "--resume", "--steps", "10"]);
  expect([resumed.code, resumed.stderr]).toEqual([0, ""]);
});
