/** Flows and vocoders trained as `uat train` does: from a file, with evaluations, checkpoints, and on from these. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AudioDecoder } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { train } from "../loop/train.ts";
import { Random } from "../random.ts";

const SPEECH = fileURLToPath(new URL("../../../../tests/fixtures/audio/speech16k.wav", import.meta.url));

const MODEL = `
model:
  config:
    flow:
      vocab_size: 32
      input_size: 16
      encoder: { output_size: 16, attention_heads: 2, linear_units: 16, num_blocks: 1, block_size: 10 }
      decoder:
        estimator: { channels: [16], attention_head_dim: 8, num_heads: 2, n_blocks: 1, num_mid_blocks: 1 }
    hift: { base_channels: 16, resblock_kernel_sizes: [3], resblock_dilation_sizes: [[1]], f0_predictor: { cond_channels: 8 } }
`;
const DATA = `
data:
  train: [{ manifest: clips.jsonl }]
  validation: [{ manifest: clips.jsonl }]
  validation_rows: 2
`;
const common = (system: string) => `
system: ${system}
seed: 3
steps: 6
save_every: 3
evaluate_every: 6
batch_size: 2
accumulate: 2
workers: 0
${MODEL}${DATA}`;

const FLOW = `${common("flow")}
optimizer: { ema: 0.9 }
objectives: { crop_tokens: 20 }
`;
const ACOUSTIC = `${common("acoustic").replace(
  / {4}flow:[\s\S]*?(?= {4}hift)/,
  "    acoustic: { vocab_size: 32, input_size: 16, hidden_size: 16, num_blocks: 1, attention_heads: 2, filter_size: 16, subframe_size: 8 }\n",
)}
optimizer: { ema: 0.9 }
objectives: { crop_tokens: 20 }
`;
const VOCODER = `${common("vocoder")}
storage: fp16
objectives:
  segment_frames: 12
  stft_resolutions: [{ size: 256, hop: 64, window: 256 }]
  adversarial:
    start_step: 2
    periods: [2]
    period_channels: [4]
    resolutions: [{ size: 128, hop: 64, window: 128 }]
    resolution_channels: 2
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uat-decoders-"));
  const random = new Random(1);
  const rows = [0, 1, 2].map((start) => ({
    audio: SPEECH,
    start: start / 2,
    duration: 1.5,
    codes: Array.from({ length: 37 }, () => random.below(32)),
  }));
  await writeFile(join(folder, "clips.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  await writeFile(join(folder, "flow.yaml"), FLOW);
  await writeFile(join(folder, "acoustic.yaml"), ACOUSTIC);
  await writeFile(join(folder, "vocoder.yaml"), VOCODER);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const losses = async (out: string) =>
  (await readFile(join(out, "metrics.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, number>)
    .filter((row) => row.gradient_norm !== undefined)
    .map(({ step, loss, gradient_norm }) => ({ step, loss, gradient_norm }));

describe.each([
  ["flow", "flow.pt"],
  ["acoustic", "acoustic.pt"],
  ["vocoder", "hift.pt"],
])("a %s", (system, file) => {
  test("that goes on from a checkpoint makes the same steps and the same weights", async () => {
    const config = join(folder, `${system}.yaml`);
    const [whole, parts] = [join(folder, `${system}-whole`), join(folder, `${system}-parts`)];
    const done = await train(config, { out: whole, threads: 1 });
    expect(done.steps).toBe(6);
    const first = await train(config, { out: parts, threads: 1, steps: 3 });
    expect(first.checkpoint).toBe(join(parts, "checkpoint-3"));
    await train(config, { out: parts, threads: 1, resume: true });
    expect(await losses(parts)).toEqual(await losses(whole));
    expect((await losses(whole)).length).toBe(6);
    const weights = (out: string) => readFile(join(out, "checkpoint-6", "decoder", file));
    expect((await weights(parts)).equals(await weights(whole))).toBe(true);
    const text = await readFile(join(whole, "metrics.jsonl"), "utf8");
    const names = system !== "vocoder" ? ["mel_error", "mel_error_of_mean"] : ["mel_distance", "voicing_error"];
    for (const name of names) expect(text).toContain(`"${name}"`);
  });
});

test("checkpoints of both make a decoder; each carries the other half it started with", async () => {
  const start = join(folder, "vocoder-whole", "checkpoint-6");
  const config = join(folder, "onward.yaml");
  await writeFile(config, FLOW.replace("model:", `model:\n  init: ${start}`));
  const notes: string[] = [];
  const { checkpoint } = await train(config, {
    out: join(folder, "onward"),
    steps: 1,
    threads: 1,
    onNote: (note) => notes.push(note),
  });
  expect(notes.join()).toContain("parameters start from random values");
  const decoder = await AudioDecoder.fromPretrained(checkpoint as string);
  const { waveform } = await decoder.decode(Int32Array.from({ length: 12 }, (_, i) => i));
  expect(waveform.every(Number.isFinite)).toBe(true);
  await decoder.dispose();
});

test("rows without codes, and codes that the flow does not know, are told", async () => {
  const rows = (await readFile(join(folder, "clips.jsonl"), "utf8")).split("\n").map((line) => JSON.parse(line));
  const attempt = async (name: string, change: (row: { codes?: number[] }) => void) => {
    const changed = rows.map((row) => {
      const copy = structuredClone(row);
      change(copy);
      return JSON.stringify(copy);
    });
    await cp(join(folder, "flow.yaml"), join(folder, `${name}.yaml`));
    await writeFile(join(folder, `${name}.jsonl`), changed.join("\n"));
    await writeFile(join(folder, `${name}.yaml`), FLOW.replaceAll("clips.jsonl", `${name}.jsonl`));
    return train(join(folder, `${name}.yaml`), { out: join(folder, name), threads: 1 });
  };
  const without = attempt("without", (row) => {
    delete row.codes;
  });
  await expect(without).rejects.toThrow(TrainingError);
  await expect(without).rejects.toThrow(/without\.jsonl:\d: has no codes; give data\.tokenizer/);
  const foreign = attempt("foreign", (row) => {
    row.codes![0] = 32;
  });
  await expect(foreign).rejects.toThrow(/foreign\.jsonl:\d: has the code 32; expected those below 32/);
});

test("a vocoder of mels that the model's flow foretells: other losses than of the sound's own, told when there is no flow", async () => {
  const start = join(folder, "onward", "checkpoint-1");
  const short = VOCODER.replace("steps: 6", "steps: 2").replace("evaluate_every: 6", "evaluate_every: 2");
  const run = async (name: string, text: string) => {
    const config = join(folder, `${name}.yaml`);
    await writeFile(config, text);
    await train(config, { out: join(folder, name), threads: 1 });
    return losses(join(folder, name));
  };
  const from = (text: string) => text.replace("model:", `model:\n  init: ${start}`);
  const own = await run("own-mels", from(short));
  const foretold = await run("foretold-mels", from(short).replace("objectives:", "objectives:\n  mels: codes"));
  expect(foretold.every(({ loss }) => Number.isFinite(loss))).toBe(true);
  expect(foretold[0]?.loss).not.toBe(own[0]?.loss);
  const alone = run("no-flow", short.replace("objectives:", "objectives:\n  mels: codes"));
  await expect(alone).rejects.toThrow("model.init has no flow; expected a decoder with flow.pt");
});

test("an acoustic model and a vocoder of what it foretells make a decoder, whole and in a stream", async () => {
  const start = join(folder, "acoustic-whole", "checkpoint-6");
  const config = join(folder, "acoustic-vocoder.yaml");
  const short = VOCODER.replace("steps: 6", "steps: 2").replace("evaluate_every: 6", "evaluate_every: 2");
  const vocoder = short
    .replace(
      / {2}config:[\s\S]*?(?=data:)/,
      `  init: ${start}\n  config: { hift: { base_channels: 16, resblock_kernel_sizes: [3], resblock_dilation_sizes: [[1]], f0_predictor: { cond_channels: 8 } } }\n`,
    )
    .replace("objectives:", "objectives:\n  mels: codes");
  await writeFile(config, vocoder);
  const { checkpoint } = await train(config, { out: join(folder, "acoustic-vocoder"), threads: 1 });
  const decoder = await AudioDecoder.fromPretrained(checkpoint as string);
  const codes = Int32Array.from({ length: 90 }, (_, i) => i % 32);
  const { waveform } = await decoder.decode(codes);
  expect(waveform.length).toBe(Math.trunc((90 * 441) / 128) * 256);
  expect(waveform.every(Number.isFinite)).toBe(true);
  let streamed = 0;
  for await (const piece of decoder.decodeStream(codes)) streamed += piece.length;
  expect(streamed).toBe(waveform.length);
  await expect(decoder.decode(codes, { embedding: new Float32Array(192) })).rejects.toThrow(
    "takes no speaker embedding",
  );
  await decoder.dispose();
  // each kind is told of the other
  const flow = join(folder, "flow-of-acoustic.yaml");
  await writeFile(flow, FLOW.replace(/model:[\s\S]*?(?=data:)/, `model:\n  init: ${start}\n`));
  await expect(train(flow, { out: join(folder, "flow-of-acoustic"), threads: 1 })).rejects.toThrow(
    "give system: acoustic",
  );
});

test("a decoder whose flow takes no Euler steps sounds of what the encoder foretells alone", async () => {
  const start = join(folder, "onward", "checkpoint-1");
  const stepless = join(folder, "stepless");
  await cp(start, stepless, { recursive: true });
  const file = join(stepless, "decoder", "config.yaml");
  const text = await readFile(file, "utf8");
  const codes = Int32Array.from({ length: 30 }, (_, i) => i);
  const waveform = async (config: string, seed: number) => {
    await writeFile(file, config);
    const decoder = await AudioDecoder.fromPretrained(stepless);
    const { waveform: samples } = await decoder.decode(codes, { seed });
    await decoder.dispose();
    return samples;
  };
  const none = text.replace(/ steps: \d+/, " steps: 0");
  expect(none).not.toBe(text);
  const level = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((v, i) => v - b[i]!)) / Math.hypot(...a);
  const first = await waveform(none, 1);
  expect(first.length).toBeGreaterThan(20000);
  expect(level(first, await waveform(text, 1))).toBeGreaterThan(0.01);
});
