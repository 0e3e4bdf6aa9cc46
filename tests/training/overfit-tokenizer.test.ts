/**
 * A small tokeniser with its SAP decoder learns sixteen scenes by heart, through the synthesiser, the data pipeline, the
 * loop and the checkpoint: whatever breaks on that way, token accuracy does not come near 99 %.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSceneConfig, synthesize, train } from "@uat/training";
import { afterAll, beforeAll, expect, test } from "vitest";

const SCENES = 16;
const STEPS = 260;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "overfit-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("sixteen scenes by heart", async () => {
  const recipe = fileURLToPath(new URL("../../recipes/tiny/scenes.yaml", import.meta.url));
  const scenes = join(folder, "scenes");
  await synthesize(await readSceneConfig(recipe, { count: SCENES }), { out: scenes });
  const group = { lr: 3e-3, warmup: 20 };
  const source = { path: scenes, task: "sap" };
  const config = {
    system: "tokenizer",
    seed: 1,
    steps: STEPS,
    batch_size: 8,
    save_every: STEPS,
    evaluate_every: STEPS,
    model: {
      tokenizer: "bytes",
      config: {
        d_model: 64,
        encoder_layers: 4,
        encoder_attention_heads: 4,
        encoder_ffn_dim: 128,
        decoder_layers: 2,
        decoder_attention_heads: 4,
        decoder_ffn_dim: 128,
        num_mel_bins: 80,
        pooling_kernel_size: 2,
        pooling_type: "avg",
        quantize_vocab_size: 128,
        quantize_position: 2,
        quantize_ema_decay: 0.95,
        quantize_restart_interval: 10,
        quantize_loss_scale: 10,
        encoder_residual_source_position: 1,
        encoder_residual_target_position: 2,
        use_residual_adapter: true,
        use_residual_gate: true,
      },
    },
    data: { train: [source], validation: [source], validation_rows: SCENES, max_seconds: 5, padding: "max" },
    optimizer: { groups: { encoder: group, decoder: group, rest: group } },
  };
  const path = join(folder, "overfit.yaml");
  writeFileSync(path, JSON.stringify(config));
  const out = join(folder, "run");
  const { steps } = await train(path, { out });
  expect(steps).toBe(STEPS);
  const rows = readFileSync(join(out, "metrics.jsonl"), "utf8").trim().split("\n");
  const last = JSON.parse(rows.at(-1) as string) as { split: string; token_accuracy: number; codes_used: number };
  expect(last.split).toBe("validation");
  expect(last.token_accuracy).toBeGreaterThanOrEqual(0.99);
  expect(last.codes_used).toBeGreaterThan(64);
}, 900_000);
