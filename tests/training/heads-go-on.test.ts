/** A run that starts from the checkpoint of another takes its heads along. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { train } from "@uat/training";
import { directoryFiles, openSafetensorsModel, readFloat32 } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, expect, test } from "vitest";

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "heads-"));
  const rows = [0, 1, 2, 3].map((i) => {
    const samples = Float32Array.from({ length: 8000 }, (_, n) => 0.3 * Math.sin(n * (0.05 + 0.02 * i)));
    writeFileSync(join(folder, `${i}.wav`), encodeWav([samples], 16000));
    return JSON.stringify({ path: `${i}.wav`, tags: [`t${i % 2}`] });
  });
  writeFileSync(join(folder, "list.jsonl"), `${rows.join("\n")}\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Trains and gives back what the heads are at the end, and what was noted. */
async function run(name: string, model: object, steps: number, lr: number) {
  const group = { lr, min_lr: lr, warmup: 0, schedule: "constant" };
  const config = {
    system: "tokenizer",
    steps,
    batch_size: 4,
    evaluate_every: 0,
    workers: 0,
    model,
    data: { train: [{ manifest: "list.jsonl" }], max_seconds: 1 },
    optimizer: { weight_decay: 0, groups: { encoder: group, rest: group } },
    objectives: { tokens: 0, tags: {} },
  };
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, JSON.stringify(config));
  const notes: string[] = [];
  const { checkpoint } = await train(path, { out: join(folder, name), onNote: (note) => notes.push(note) });
  const store = await openSafetensorsModel(directoryFiles(checkpoint as string), "training/weights");
  const weights = Array.from(await readFloat32(store, "heads.tags.linear.weight"));
  await store.close();
  return { weights, notes };
}

test("heads go on where the checkpoint left them", async () => {
  const config = {
    d_model: 16,
    encoder_layers: 2,
    encoder_attention_heads: 2,
    encoder_ffn_dim: 32,
    num_mel_bins: 80,
    pooling_kernel_size: 2,
    pooling_type: "avg",
    quantize_vocab_size: 16,
    quantize_position: 1,
    quantize_ema_decay: 0.95,
  };
  const first = await run("first", { tokenizer: "bytes", config }, 3, 3e-2);
  const second = await run("second", { init: "first/checkpoint-3" }, 1, 1e-6);
  const fresh = await run("fresh", { init: "first/checkpoint-3", cold_start: ["heads"] }, 1, 1e-6);
  const distance = (weights: number[]) => Math.max(...weights.map((v, i) => Math.abs(v - first.weights[i]!)));
  expect(distance(second.weights)).toBeLessThan(1e-5);
  expect(distance(fresh.weights)).toBeGreaterThan(1e-2);
  expect(second.notes.filter((note) => note.includes("heads."))).toEqual([]);
});
