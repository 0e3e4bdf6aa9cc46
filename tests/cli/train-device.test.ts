/** `uat train` on other devices than the processor: the same losses, or one line that says what is missing. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Random } from "@uat/training";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chromiumFolder } from "../browser/chromium.ts";
import { type Result, uat } from "./run-uat.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-device-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const config = join(folder, "run.yaml");

const losses = (out: string): number[] =>
  readFileSync(join(folder, out, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { loss: number }).loss);

const run = (device: string, env: Record<string, string> = {}): Promise<Result> =>
  uat(["--device", device, "train", config, "--out", join(folder, device), "--quiet"], { env });

let expected: number[];
beforeAll(async () => {
  const random = new Random(1);
  const rows = Array.from({ length: 6 }, (_, i) => {
    const samples = Float32Array.from({ length: 4800 + 400 * i }, () => random.uniform(-0.3, 0.3));
    mkdirSync(join(folder, "clips"), { recursive: true });
    writeFileSync(join(folder, `clips/${i}.wav`), encodeWav([samples], 16000));
    return JSON.stringify({ audio: `clips/${i}.wav`, text: `noise ${i}`, task: "asr" });
  });
  writeFileSync(join(folder, "rows.jsonl"), rows.join("\n"));
  const geometry = {
    d_model: 16,
    encoder_layers: 2,
    encoder_attention_heads: 2,
    encoder_ffn_dim: 32,
    decoder_layers: 1,
    decoder_attention_heads: 2,
    decoder_ffn_dim: 32,
    num_mel_bins: 80,
    max_target_positions: 32,
    pooling_kernel_size: 2,
    pooling_type: "avg",
    quantize_vocab_size: 16,
    quantize_position: 1,
    quantize_ema_decay: 0.95,
    quantize_restart_interval: 4,
  };
  writeFileSync(
    config,
    JSON.stringify({
      system: "tokenizer",
      steps: 4,
      batch_size: 2,
      evaluate_every: 0,
      model: { tokenizer: "bytes", config: geometry },
      data: { train: [{ manifest: "rows.jsonl" }], max_seconds: 1 },
    }),
  );
  expect(await run("cpu")).toMatchObject({ code: 0, stderr: "" });
  expected = losses("cpu");
  expect(expected.length).toBe(4);
  expect(new Set(expected).size).toBe(4);
});

/** Each step builds on the one before: a wrong gradient shows in the next loss. */
function check(device: string): void {
  const got = losses(device);
  expect(got.length).toBe(expected.length);
  for (const [i, want] of expected.entries()) expect(Math.abs(got[i]! / want - 1), `step ${i + 1}`).toBeLessThan(1e-4);
}

test("WebAssembly trains to the same losses", async () => {
  expect(await run("wasm")).toMatchObject({ code: 0, stderr: "" });
  check("wasm");
});

test("WebGPU trains to the same losses, where there is an adapter", { timeout: 300_000 }, async ({ skip }) => {
  const { code, stderr } = await run("webgpu");
  if (code !== 0) {
    expect(code).toBe(2);
    expect(stderr).toMatch(/^uat: device webgpu: this environment has no WebGPU adapter.*; use --device cpu$/m);
    // Chromium brings a driver for processors
    const chromium = await chromiumFolder();
    const libraries = [chromium, process.env.LD_LIBRARY_PATH].filter((path) => path).join(delimiter);
    const driver = join(chromium, "vk_swiftshader_icd.json");
    const software = await run("webgpu", { VK_DRIVER_FILES: driver, LD_LIBRARY_PATH: libraries });
    if (software.code !== 0) {
      console.log(`WebGPU is not tested: ${software.stderr.trim()}`);
      skip();
    }
  }
  check("webgpu");
  const report = readFileSync(join(folder, "webgpu", "report.html"), "utf8");
  expect(report).toContain("native webgpu");
});

test("without an adapter nothing is trained", async () => {
  const result = await uat(["train", config, "--device", "webgpu", "--out", join(folder, "none")], {
    env: { UAT_NO_NATIVE: "1" },
  });
  expect(result.code).toBe(2);
  expect(result.stderr).toContain("device webgpu: this environment has no WebGPU adapter; use --device cpu\n");
});
