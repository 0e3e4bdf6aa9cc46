/** `uat train` in two processes: whichever is killed, the run goes on to the same losses, and no process is left over. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Random } from "@uat/training";
import { afterAll, beforeAll, expect, test } from "vitest";
import { namesIn, type Result, uat } from "./run-uat.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-processes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = join(folder, "run.yaml");
const STEPS = 60;

beforeAll(() => {
  mkdirSync(join(folder, "clips"));
  const random = new Random(1);
  const rows = Array.from({ length: 12 }, (_, i) => {
    const samples = Float32Array.from({ length: 6400 + 800 * i }, () => random.uniform(-0.3, 0.3));
    writeFileSync(join(folder, `clips/${i}.wav`), encodeWav([samples], 16000, "s16"));
    return JSON.stringify({ audio: `clips/${i}.wav`, text: `noise ${i}`, task: "asr" });
  });
  writeFileSync(join(folder, "rows.jsonl"), rows.join("\n"));
  const geometry = {
    d_model: 32,
    encoder_layers: 2,
    encoder_attention_heads: 2,
    encoder_ffn_dim: 64,
    decoder_layers: 1,
    decoder_attention_heads: 2,
    decoder_ffn_dim: 64,
    num_mel_bins: 80,
    max_target_positions: 32,
    pooling_kernel_size: 2,
    pooling_type: "avg",
    pooling_position: 0,
    quantize_vocab_size: 16,
    quantize_position: 1,
    quantize_ema_decay: 0.9,
    quantize_restart_interval: 4,
    dropout: 0.1,
  };
  const data = { train: [{ manifest: "rows.jsonl" }], max_seconds: 2 };
  writeFileSync(
    config,
    JSON.stringify({
      system: "tokenizer",
      steps: STEPS,
      processes: 2,
      save_every: 5,
      evaluate_every: 0,
      model: { tokenizer: "bytes", config: geometry },
      data,
    }),
  );
});

const rowsOf = (out: string): Record<string, number>[] => {
  const path = join(folder, out, "metrics.jsonl");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line));
};

/** All that follows from the weights and the data, nothing that follows from the clock. */
const told = (out: string) => rowsOf(out).map(({ samples_per_second: _, data_wait: __, ...row }) => row);

/** Runs until `rows` steps are logged, then does something to both processes. */
async function interrupted(rows: number, what: (leader: ChildProcess, follower: number) => void) {
  let follower = 0;
  const end = (await uat(["train", config, "--out", join(folder, "part"), "--resume"], {
    onStart(leader) {
      const { pid } = leader;
      const timer = setInterval(() => {
        if (leader.exitCode !== null) clearInterval(timer);
        else if (rowsOf("part").length >= rows) {
          clearInterval(timer);
          follower = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8"));
          what(leader, follower);
        }
      }, 5);
    },
  })) as Result;
  expect(follower).toBeGreaterThan(0);
  expect(rowsOf("part").length).toBeLessThan(STEPS);
  await expect.poll(() => lives(follower), { timeout: 5000 }).toBe(false);
  return { ...end, follower };
}

function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

// the processes of a run are found in /proc
test.skipIf(process.platform !== "linux")("a run survives the death of either process", async () => {
  const whole = await uat(["train", config, "--out", join(folder, "whole")]);
  expect(whole.stderr).toBe("");
  expect(whole.code).toBe(0);
  expect(rowsOf("whole")).toHaveLength(STEPS);

  const first = await interrupted(12, (_leader, follower) => process.kill(follower, "SIGKILL"));
  expect(first.code).toBe(2);
  expect(first.stderr.split("\n").filter((line) => line.startsWith("uat:"))).toEqual([
    expect.stringMatching(
      `^uat: rank 1 of the run's 2 processes has gone: process ${first.follower} was killed \\(SIGKILL\\), as the ` +
        "system does when memory runs out; the last checkpoint is .*/part/checkpoint-\\d+; go on with --resume$",
    ),
  ]);
  expect(namesIn(join(folder, "part"))).not.toContain(".running");

  const second = await interrupted(25, (leader) => leader.kill("SIGKILL"));
  expect(second.code).toBe(137);

  // as a terminal does: to both
  const third = await interrupted(40, (leader, follower) => {
    process.kill(follower, "SIGINT");
    leader.kill("SIGINT");
  });
  expect(third.code).toBe(130);
  expect(third.stdout.toString()).toMatch(/^→ step \d+, /);

  const last = await uat(["train", config, "--out", join(folder, "part"), "--resume"]);
  expect(last.code).toBe(0);
  expect(told("part")).toEqual(told("whole"));
});
