import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { isNamed } from "./model-config.ts";
import { type FlowRun, parseRunConfig, readRunConfig, type TokenizerRun, type VocoderRun } from "./read-run-config.ts";

const TOKENIZER = `
system: tokenizer
steps: 20000
model: { init: base }
data:
  train:
    - { path: train.parquet, task: sap }
`;
const parse = (text: string) => parseRunConfig(text, "/runs/a/run.yaml");
/** A valid file with some lines more or in place of others. */
const withLines = (lines: string) => `${lines}\n${TOKENIZER}`;

describe("what is left out", () => {
  test("has the published recipe's values", () => {
    const run = parse(TOKENIZER) as TokenizerRun;
    expect(run.optimizer).toEqual({
      betas: [0.9, 0.999],
      eps: 1e-8,
      weight_decay: 0.01,
      clip: 1,
      ema: null,
      schedule_steps: 20000,
      groups: {
        encoder: { lr: 1e-5, min_lr: expect.closeTo(1e-6, 15), schedule: "cosine", warmup: 1000 },
        decoder: { lr: 6e-4, min_lr: expect.closeTo(6e-5, 12), schedule: "cosine", warmup: 1000 },
        rest: { lr: 2e-4, min_lr: expect.closeTo(2e-5, 12), schedule: "cosine", warmup: 1000 },
      },
    });
    expect(run.objectives.tokens).toBe(1);
    expect(run.data.padding).toBe("longest");
    expect([run.seed, run.batch_size, run.accumulate, run.storage]).toEqual([0, 4, 1, "fp32"]);
  });

  test("follows what is said: a tenth of the rate, a warm-up that fits a short run, the file's steps", () => {
    const run = parse(
      TOKENIZER.replace("20000", "300").concat("optimizer: { groups: { encoder: { lr: 1e-3 }, rest: { warmup: 7 } } }"),
    ) as TokenizerRun;
    const { encoder, rest } = run.optimizer.groups;
    expect(encoder).toEqual({ lr: 1e-3, min_lr: 1e-4, schedule: "cosine", warmup: 30 });
    expect(rest.warmup).toBe(7);
    expect(run.optimizer.schedule_steps).toBe(300);
  });
});

test("relative paths start from the file's folder; ids stay as they are", () => {
  const run = parse(`
system: tokenizer
steps: 10
model: { init: openai/whisper-base, config_file: ./c.json, tokenizer: ../t.json, freeze: [encoder] }
data:
  train:
    - { path: [a.parquet, /data/b.parquet], weight: 2, task: asr }
    - { manifest: x/list.jsonl, columns: { text: sentence } }
    - { folder: clips, task: caption }
    - { dataset: org/set, config: en, split: train }
    - { synth: scenes.yaml }
  validation: [{ synth: scenes.yaml, split: validation }]
objectives: { distill: { teacher: ./teacher } }
`) as TokenizerRun;
  expect(run.model).toMatchObject({
    init: "openai/whisper-base",
    config_file: resolve("/runs/a/c.json"),
    tokenizer: resolve("/runs/t.json"),
  });
  const [parquet, manifest, folder, dataset, synth] = run.data.train;
  expect(parquet).toMatchObject({ path: [resolve("/runs/a/a.parquet"), "/data/b.parquet"], weight: 2, task: "asr" });
  expect(manifest).toMatchObject({
    manifest: resolve("/runs/a/x/list.jsonl"),
    columns: { text: "sentence", codes: "codes" },
  });
  expect(folder?.folder).toBe(resolve("/runs/a/clips"));
  expect(dataset).toMatchObject({ dataset: "org/set", config: "en", split: "train" });
  expect(synth?.synth).toBe(resolve("/runs/a/scenes.yaml"));
  expect(run.objectives.distill?.teacher).toBe(resolve("/runs/a/teacher"));
});

test("flow and vocoder", () => {
  const flow = parse(`
{ "system": "flow", "steps": 5, "model": { "config": { "flow": { "encoder": { "num_blocks": 2 } } } },
  "data": { "tokenizer": "base", "train": [{ "folder": "clips" }] } }`) as FlowRun;
  expect(flow.data.tokenizer).toBe("base");
  expect(flow.optimizer.groups.rest.lr).toBe(2e-4);
  const vocoder = parse(`
system: vocoder
steps: 5
model: { init: base }
data: { train: [{ folder: clips }] }
objectives: { adversarial: { start_step: 3, periods: [2, 3] } }
`) as VocoderRun;
  expect(vocoder.objectives.adversarial).toMatchObject({ start_step: 3, periods: [2, 3], feature_matching: 2 });
  expect(vocoder.optimizer.betas).toEqual([0.8, 0.99]);
  expect(Object.keys(vocoder.optimizer.groups)).toEqual(["generator", "discriminator"]);
});

describe("refused in one line that names file, field, value and what is expected", () => {
  const cases: [string, string][] = [
    ["", "run.yaml: is null; expected a mapping that begins with system: tokenizer|flow|acoustic|vocoder"],
    ["- 1", "run.yaml: is [1]; expected a mapping"],
    ["steps: [", "run.yaml: line 1 is not valid YAML"],
    ["a: 1\nb: 2\na: 3", "run.yaml: line 3 is not valid YAML"],
    [
      "system: tokenizer\nmodel: !new:x.Y {}",
      "run.yaml: line 2 is not valid YAML (Unresolved tag: !new:x.Y); put HyperPyYAML",
    ],
    ["steps: 3", "run.yaml: system is missing; expected tokenizer, flow, acoustic, vocoder or reader"],
    [TOKENIZER.replace("system: tokenizer\n", ""), "run.yaml: system is missing"],
    [
      "system: tokeniser",
      'run.yaml: system is "tokeniser"; expected tokenizer, flow, acoustic, vocoder or reader; did you mean tokenizer?',
    ],
    ["system: [1]", "run.yaml: system is [1]; expected"],
    [TOKENIZER.replace("steps", "step"), "run.yaml: step is not a known key; did you mean steps?"],
    [TOKENIZER.replace("20000", "0"), "run.yaml: steps is 0; expected a whole number above 0"],
    [TOKENIZER.replace("20000", '"3"'), 'run.yaml: steps is "3"; expected a whole number above 0'],
    [withLines("batchsize: 3"), "run.yaml: batchsize is not a known key; did you mean batch_size?"],
    [withLines("lr: 1e-4"), "run.yaml: lr is not a known key; it is known as optimizer.groups.encoder.lr"],
    [withLines("zzzzzzzz: 1"), "run.yaml: zzzzzzzz is not a known key; known here are system, seed, steps,"],
    [withLines("storage: fp8"), 'run.yaml: storage is "fp8"; expected "fp32", "fp16" or "bf16"'],
    [withLines("seed: 4294967296"), "run.yaml: seed is 4294967296; expected a whole number from 0 to 4294967295"],
    [
      withLines("optimizer: { groups: { encoder: { lrr: 1 } } }"),
      "optimizer.groups.encoder.lrr is not a known key; did you mean optimizer.groups.encoder.lr?",
    ],
    [
      withLines("optimizer: { groups: { encoder: { lr: 1e-7, min_lr: 1e-6 } } }"),
      "optimizer.groups.encoder.min_lr is 0.000001; expected at most lr, which is 1e-7",
    ],
    [
      withLines("optimizer: { groups: { decoder: { warmup: 20000 } } }"),
      "optimizer.groups.decoder.warmup is 20000; expected fewer than the schedule's 20000 steps",
    ],
    [withLines("optimizer: { betas: [0.9] }"), "optimizer.betas is [0.9]; expected two numbers from 0 to below 1"],
    [withLines("optimizer: { ema: 1 }"), "optimizer.ema is 1; expected a number from 0 to below 1"],
    [TOKENIZER.replace("path:", "pth:"), "data.train[0].pth is not a known key; did you mean data.train[0].path?"],
    [
      TOKENIZER.replace("path:", "synth: s.yaml, path:"),
      "data.train[0] is {…}; expected exactly one of path, manifest, folder, dataset or synth, not path and synth",
    ],
    [TOKENIZER.replace("path: train.parquet,", ""), "data.train[0] is {…}; expected exactly one of path"],
    [
      TOKENIZER.replace("task: sap", "split: test"),
      'data.train[0].split is "test"; expected only beside dataset or synth',
    ],
    [
      TOKENIZER.replace("task: sap", "task: sing"),
      'data.train[0].task is "sing"; expected "asr", "ser", "caption" or "sap"',
    ],
    [TOKENIZER.replace("task: sap", "weight: 0"), "data.train[0].weight is 0; expected a number above 0"],
    [
      TOKENIZER.replace("    - { path: train.parquet, task: sap }", "    []"),
      "data.train is []; expected at least one source",
    ],
    [TOKENIZER.replace("init: base", ""), "model has none of init, config_file and config"],
    [
      TOKENIZER.replace("init: base", "config: { d_modell: 3 }"),
      "model.config.d_modell is not a known key; did you mean model.config.d_model?",
    ],
    [withLines("objectives: { tokens: 0 }"), "objectives have no weight above 0"],
    [
      "{ system: flow, steps: 10, model: { init: base }, data: { train: [{ path: a.parquet }] }, objectives: { flow: 0 } }",
      "objectives have no weight above 0",
    ],
    [
      withLines("objectives: { ctc: { units: letters } }"),
      'objectives.ctc.units is "letters"; expected "characters" or "phonemes"',
    ],
    [withLines("objectives: { distill: {} }"), "objectives.distill.teacher is missing; expected text"],
    [
      TOKENIZER.replace("init: base", "init: base, cache_prefix: 1, freeze: [encoder.conv1, encoder.conv2]"),
      "model.cache_prefix is 1; expected model.freeze to hold encoder.layers.0",
    ],
    [
      TOKENIZER.replace("train:", "augment: { gain: { probability: 1, decibels: [-3, 3] } }\n  train:").replace(
        "init: base",
        "init: base, cache_prefix: 0, freeze: [encoder]",
      ),
      "model.cache_prefix is 0; expected no data.augment",
    ],
    [
      TOKENIZER.replace("train:", "tokenizer: base\n  train:"),
      'data.tokenizer is "base"; only a flow, an acoustic model, a reader, and a vocoder with objectives.mels: codes, read tokens',
    ],
    [
      "system: flow\nsteps: 1\nmodel: { config: { flow: { decoder: { estimator: { channel: [8] } } } } }\ndata: { train: [{ folder: a }] }",
      "model.config.flow.decoder.estimator.channel is not a known key; did you mean model.config.flow.decoder.estimator.channels?",
    ],
    [
      "system: vocoder\nsteps: 1\nmodel: { init: base }\ndata: { train: [{ folder: a }] }\nobjectives: { tokens: 1 }",
      "objectives.tokens is not a known key; known here are mels, segment_frames",
    ],
  ];
  test.each(cases.map(([text, message]) => [message, text] as const))("%s", (message, text) => {
    const refused = () => parseRunConfig(text, "run.yaml");
    expect(refused).toThrow(TrainingError);
    expect(refused).toThrow(message);
    expect(refused).not.toThrow(/\n/);
  });

  test("whatever the file holds", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string({ unit: "binary" })), (text) => {
        expect(() => parseRunConfig(text, "run.yaml")).toThrow(TrainingError);
      }),
    );
    const aliases = `a: &a [${"x, ".repeat(50)}]\nb: &b [${"*a, ".repeat(50)}]\nc: &c [${"*b, ".repeat(50)}]\nd: [*c]`;
    expect(() => parse(aliases)).toThrow(TrainingError);
    expect(() => parse("[".repeat(100_000))).toThrow(TrainingError);
    expect(() => parse(`x: ${"a".repeat(2 ** 20)}`)).toThrow("characters long");
  });
});

describe("files", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "uat-config-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("are read", async () => {
    const file = join(folder, "run.yaml");
    writeFileSync(file, TOKENIZER);
    const run = await readRunConfig(file);
    expect(run.data.train[0]?.path).toBe(join(folder, "train.parquet"));
  });

  test("that are not there, or are folders", async () => {
    await expect(readRunConfig(join(folder, "no.yaml"))).rejects.toThrow("no.yaml: no such file; expected a YAML file");
    await expect(readRunConfig(folder)).rejects.toThrow("is a folder; expected a YAML file");
  });
});

test("beginnings of names end at dots, and `model.` may be left out", () => {
  const yes: [string, string][] = [
    ["model.encoder.layers.1.fc1.weight", "encoder"],
    ["model.encoder.layers.1.fc1.weight", "model.encoder.layers.1"],
    ["model.decoder.embed_tokens.weight", "decoder.embed_tokens.weight"],
    ["proj_out.weight", "decoder"],
    ["encoder.encoders.0.norm.weight", "encoder"],
  ];
  for (const [name, start] of yes) expect(isNamed(name, ["none", start]), `${name} ${start}`).toBe(true);
  const no: [string, string][] = [
    ["model.encoder.layers.10.fc1.weight", "encoder.layers.1"],
    ["model.decoder.layers.0.encoder_attn.k_proj.weight", "encoder"],
    ["model.encoder.conv1.weight", ""],
  ];
  for (const [name, start] of no) expect(isNamed(name, [start]), `${name} ${start}`).toBe(false);
});
