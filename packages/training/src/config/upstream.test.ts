import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { parseRunConfig, type TokenizerRun } from "./read-run-config.ts";
import { RUN_SCHEMAS } from "./run-config.ts";
import { schemaAt } from "./schema-tree.ts";
import { TOKENIZER_FIELDS } from "./tokenizer-geometry.ts";
import { UPSTREAM_IGNORED, UPSTREAM_SETTINGS } from "./upstream.ts";

const parse = (text: string) => parseRunConfig(text, "/runs/up.yaml") as TokenizerRun;

/** The published recipe (learning rates, warm-up, clipping, geometry) in one of the ways it may be written. */
const RECIPE = `
quantize_vocab_size: 8192
quantize_position: 16
quantize_ema_decay: 0.95
quantize_restart_interval: 10
quantize_loss_scale: 10
encoder_residual_source_position: 3
encoder_residual_target_position: 32
use_residual_adapter: true
use_residual_gate: true
pooling_kernel_size: 2
pooling_type: avg
pooling_position: 0
max_target_positions: 2048
whisper_path: openai/whisper-large-v3
freeze_encoder: true
freeze_decoder: false
decoder_cold_start: true
encoder_lr: 1e-5
encoder_min_lr: 1e-6
decoder_lr: 6e-4
decoder_min_lr: 6e-5
learning_rate: 2e-4
min_lr: 2e-5
lr_scheduler_type: cosine
warmup_steps: 1000
max_grad_norm: 1.0
num_steps: 200000
save_steps: 5000
eval_steps: 2500
min_text_length: 2
padding: max_length
train_files:
  - { path: asr.parquet, weight: 3 }
  - { path: [sap-0.parquet, sap-1.parquet], weight: 1.5, task: sap }
eval_files: [dev.parquet]
output_dir: anywhere
`;

test("the published recipe", () => {
  const run = parse(RECIPE);
  expect(run).toMatchObject({
    system: "tokenizer",
    steps: 200000,
    save_every: 5000,
    evaluate_every: 2500,
    model: { init: "openai/whisper-large-v3", freeze: ["encoder"], cold_start: ["decoder"] },
    data: { min_text_length: 2, padding: "max" },
    optimizer: {
      clip: 1,
      groups: {
        encoder: { lr: 1e-5, min_lr: 1e-6, schedule: "cosine", warmup: 1000 },
        decoder: { lr: 6e-4, min_lr: 6e-5, schedule: "cosine", warmup: 1000 },
        rest: { lr: 2e-4, min_lr: 2e-5, schedule: "cosine", warmup: 1000 },
      },
    },
  });
  expect(run.model.config).toEqual({
    quantize_vocab_size: 8192,
    quantize_position: 16,
    quantize_ema_decay: 0.95,
    quantize_restart_interval: 10,
    quantize_loss_scale: 10,
    encoder_residual_source_position: 3,
    encoder_residual_target_position: 32,
    use_residual_adapter: true,
    use_residual_gate: true,
    pooling_kernel_size: 2,
    pooling_type: "avg",
    pooling_position: 0,
    max_target_positions: 2048,
  });
  expect(run.data.train).toMatchObject([
    { path: "/runs/asr.parquet", weight: 3 },
    { path: ["/runs/sap-0.parquet", "/runs/sap-1.parquet"], weight: 1.5, task: "sap" },
  ]);
  expect(run.data.validation).toMatchObject([{ path: "/runs/dev.parquet", weight: 1 }]);
});

test("settings may be grouped, and the file may be JSON", () => {
  const lines = RECIPE.trim().split("\n");
  const grouped = `model:\n${lines
    .slice(0, 16)
    .map((l) => `  ${l}\n`)
    .join("")}training:\n  optim:\n${lines
    .slice(16)
    .map((l) => `    ${l}\n`)
    .join("")}`;
  expect(parse(grouped)).toEqual(parse(RECIPE));
  expect(parse('{"whisper_path": "a/b", "num_steps": 1, "train_files": "x.parquet"}').data.train).toMatchObject([
    { path: "/runs/x.parquet" },
  ]);
});

test.each([
  [
    "train_files: { a.parquet: 2, b.parquet: 0.5 }",
    [
      { path: "/runs/a.parquet", weight: 2 },
      { path: "/runs/b.parquet", weight: 0.5 },
    ],
  ],
  [
    "train_data: { speech: { files: [a.parquet], ratio: 4 }, other: b.parquet }",
    [
      { path: ["/runs/a.parquet"], weight: 4 },
      { path: "/runs/b.parquet", weight: 1 },
    ],
  ],
  [
    "train_parquet: [[a.parquet, b.parquet], c.parquet]",
    [{ path: ["/runs/a.parquet", "/runs/b.parquet"] }, { path: "/runs/c.parquet" }],
  ],
])("weighted lists: %s", (line, sources) => {
  expect(parse(`whisper_path: a/b\nmax_steps: 9\n${line}`).data.train).toMatchObject(sources);
});

test.each(["onecycle", "one_cycle", "OneCycleLR", "one-cycle"])("scheduler %s", (name) => {
  const run = parse(`${RECIPE.replace("cosine", name)}`);
  expect(run.optimizer.groups.decoder.schedule).toBe("one-cycle");
});

test("every field of the published config.json files is understood", () => {
  const read = (path: string) =>
    JSON.parse(readFileSync(new URL(`../../../../tests/fixtures/${path}`, import.meta.url), "utf8")) as object;
  for (const path of [
    "training/seq2seq/checkpoint/config.json",
    "tokenizers/uniaudio/checkpoint/tokenizer/config.json",
  ]) {
    const fields = read(path);
    const text = JSON.stringify({ ...fields, num_steps: 5, train_files: ["a.parquet"] });
    expect(parse(text).model.config).toEqual(fields);
  }
});

describe("refused", () => {
  test.each([
    [
      RECIPE.replace("quantize_position", "quantise_position"),
      "up.yaml: quantise_position is not a known key; did you mean quantize_position?",
    ],
    [
      RECIPE.replace("warmup_steps", "warm_up_steps"),
      "up.yaml: warm_up_steps is not a known key; did you mean warmup_steps?",
    ],
    [
      `model:\n  sizes:\n    quantize_positio: 3\n${RECIPE}`,
      "model.sizes.quantize_positio is not a known key; did you mean model.sizes.quantize_position?",
    ],
    [RECIPE.replace("task: sap", "tsk: sap"), "up.yaml: train_files[1]: tsk is not a known key; did you mean task?"],
    [`${RECIPE}num_train_steps: 3`, "up.yaml: num_train_steps and num_steps say the same; remove one of them"],
    [
      RECIPE.replace("freeze_encoder: true", "freeze_encoder: 3"),
      "up.yaml: freeze_encoder is 3; expected true or false",
    ],
    [
      RECIPE.replace("encoder_lr: 1e-5", "encoder_lr: fast"),
      'optimizer.groups.encoder.lr is "fast"; expected a number of at least 0 (it comes from encoder_lr)',
    ],
    [
      RECIPE.replace("weight: 3", "weight: -3"),
      "data.train[0].weight is -3; expected a number above 0 (it comes from train_files)",
    ],
    [
      RECIPE.replace("lr_scheduler_type: cosine", "lr_scheduler_type: linear"),
      'schedule is "linear"; expected "constant", "cosine" or "one-cycle" (it comes from lr_scheduler_type)',
    ],
    ["train_files: 3", "up.yaml: train_files is 3; expected a list of Parquet files"],
    ["train_files: [3]", "up.yaml: train_files[0] is 3; expected a path or { path, weight }"],
  ])("%#", (text, message) => {
    const refused = () => parseRunConfig(text, "up.yaml");
    expect(refused).toThrow(TrainingError);
    expect(refused).toThrow(message);
  });
});

test("every name stands once and leads to a key that exists", () => {
  const names = [...UPSTREAM_SETTINGS.flatMap((s) => s.names), ...UPSTREAM_IGNORED, ...TOKENIZER_FIELDS];
  expect(new Set(names).size).toBe(names.length);
  for (const to of UPSTREAM_SETTINGS.flatMap((s) => s.to))
    expect(schemaAt(RUN_SCHEMAS.tokenizer, to.split(".")), to).toBeDefined();
});
