import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntime, type NumericArray, type Runtime } from "@uat/graph";
import { type LazyTensor, writeSafetensorsFile } from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Example } from "../../data/example.ts";
import { LossProgram } from "../../engine/loss-program.ts";
import { ParameterArena } from "../../optimizer/parameter-arena.ts";
import { modelParts } from "../../optimizer/parameter-groups.ts";
import { Random } from "../../random.ts";
import { askedParameters, initialWeights } from "../../systems/initial-weights.ts";
import { TagVocabulary } from "../../tasks/tags.ts";
import { UnitVocabulary } from "../../tasks/units.ts";
import { Dropout } from "../dropout.ts";
import { type TokenizerConfig, type TokenizerObjectiveOptions, tokenizerObjective } from "../tokenizer.ts";
import { distillHead, TEACHER } from "./distill.ts";
import { headVocabularies, unitLabel } from "./labels.ts";
import { openTeacher } from "./teacher.ts";
import { type HeadObjectives, tokenizerHeads } from "./tokenizer-heads.ts";

const CONFIG = {
  d_model: 16,
  encoder_layers: 2,
  encoder_attention_heads: 2,
  encoder_ffn_dim: 24,
  decoder_layers: 1,
  decoder_attention_heads: 2,
  decoder_ffn_dim: 24,
  num_mel_bins: 80,
  max_source_positions: 100,
  max_target_positions: 12,
  vocab_size: 30,
  pooling_kernel_size: 2,
  pooling_type: "avg",
  pooling_position: 1,
  quantize_vocab_size: 12,
  quantize_position: 1,
  quantize_encoder_only: false,
  quantize_causal_encoder: false,
  quantize_causal_block_size: null,
  encoder_causal_attention: false,
  encoder_causal_convolution: false,
  encoder_residual_source_position: null,
  encoder_residual_target_position: null,
  use_residual_adapter: false,
  use_residual_gate: false,
  quantize_commit_coefficient: 0.25,
  quantize_loss_scale: 1,
  quantize_ema_decay: 0.99,
  use_commit_loss: true,
} as const satisfies TokenizerConfig;
const TEACHER_CONFIG = { ...CONFIG, d_model: 12, encoder_layers: 1, encoder_attention_heads: 3, encoder_ffn_dim: 20 };

const OBJECTIVES: HeadObjectives = {
  distill: { weight: 0.5 },
  ctc: { from: "codes", units: "characters", weight: 2, vocabulary: null },
  tags: { weight: 3, vocabulary: null },
  frames: { from: "codes", log_mel: 4, energy: 5, pitch: 6 },
};
const NAMES = ["distill", "ctc", "tags", "log_mel", "energy", "pitch"];
const WEIGHTS = [0.5, 2, 3, 4, 5, 6];
const units = new UnitVocabulary("characters", [..."abc"]);
const tags = new TagVocabulary(["dog", "rain"]);

let folder: string;
let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 2, thread: "calling" });
  folder = await mkdtemp(join(tmpdir(), "uat-teacher-"));
  await writeTeacher();
});
afterAll(async () => {
  await runtime.dispose();
  await rm(folder, { recursive: true });
});

/** A Whisper of random weights, as far as its encoder goes. */
async function writeTeacher(): Promise<void> {
  const asked = askedParameters((graph, p) => {
    const shape = [2, 8];
    const attentionMask = graph.input("attention_mask", shape, "int32");
    const ones = graph.constant(new Float32Array(4).fill(1), [2, 2]);
    return distillHead(
      {
        graph,
        p,
        codes: graph.input("codes", [2, 2, 4]),
        hidden: graph.input("hidden", [2, 2, 4]),
        valid: { mask: ones, count: ones.sum([0, 1]) },
        attentionMask,
        framesPerToken: 4,
        features: () => graph.input("features", [2, 80, 8]),
      },
      { weight: 1, teacher: TEACHER_CONFIG },
    );
  }).filter(({ name }) => name.startsWith(`${TEACHER}.`));
  const tensors = new Map<string, LazyTensor>();
  for (const { name, shape, values } of initialWeights(asked, 3)) {
    const own = `model.encoder.${name.slice(TEACHER.length + 1)}`;
    tensors.set(own, { dtype: "F32", shape, data: () => new Uint8Array(values.slice().buffer) });
  }
  await writeSafetensorsFile(join(folder, "model.safetensors"), tensors);
  const json = { ...TEACHER_CONFIG, eos_token_id: 1, decoder_start_token_id: 2 };
  await writeFile(join(folder, "config.json"), JSON.stringify(json));
}

const [BATCH, TOKENS] = [2, 5];
const FRAMES = 4 * TOKENS;

function batch(): Record<string, NumericArray> {
  const random = new Random(7);
  const noise = (...shape: number[]) => ({
    data: Float32Array.from({ length: shape.reduce((p, d) => p * d, 1) }, () => random.normal()),
    shape,
  });
  return {
    input_features: noise(BATCH, 80, FRAMES),
    attention_mask: {
      data: Int32Array.from({ length: BATCH * FRAMES }, (_, i) => Number(i < FRAMES + 14)),
      shape: [BATCH, FRAMES],
    },
    decoder_input_ids: { data: Int32Array.of(1, 4, 5, 1, 6, 0), shape: [BATCH, 3] },
    labels: { data: Int32Array.of(4, 5, 2, 6, 2, -100), shape: [BATCH, 3] },
    ctc_labels: { data: Int32Array.of(1, 3, 2, -1), shape: [BATCH, 2] },
    tags: { data: Float32Array.of(0, 1, -1, -1), shape: [BATCH, 2] },
    pitch: { data: noise(BATCH, FRAMES).data.map((v) => Math.max(0, v)), shape: [BATCH, FRAMES] },
  };
}

async function programOf(options: TokenizerObjectiveOptions) {
  const teacher = await openTeacher(folder, 80);
  const { heads } = tokenizerHeads(OBJECTIVES, { units, tags, teacher: teacher.config });
  const body: Parameters<typeof LossProgram.compile>[3] = (g, p) =>
    tokenizerObjective(g, p, CONFIG, { heads, ...options });
  const asked = askedParameters(body).filter(({ name }) => !name.startsWith(`${TEACHER}.`));
  const parameters = ParameterArena.from(initialWeights(asked, 1));
  const moving = /codebook|encoder\.embed_positions\./;
  const trained = new Set(asked.map(({ name }) => name).filter((name) => !moving.test(name)));
  const program = await LossProgram.compile(runtime, "heads", { parameters, trained, frozen: teacher.source }, body);
  await teacher.close();
  return { program, parameters, trained };
}
const training = { dropout: new Dropout(), rates: { layer: 0, adapter: 0 }, recompute: false };

describe("all heads on a whole tokeniser", () => {
  test("their weighted losses come to the others, and everything trained gets a gradient", async () => {
    const { program, parameters, trained } = await programOf({ training });
    const gradients = parameters.companion(trained);
    const { loss, metrics } = await program.run(batch(), gradients);
    const own = NAMES.map((name) => metrics[`${name}_loss`] as number);
    for (const value of own) expect(value).toBeGreaterThan(0.01);
    const sum = own.reduce((total, value, i) => total + value * WEIGHTS[i]!, 0);
    expect(loss).toBeCloseTo(metrics.text_loss! + metrics.quantizer_loss! + sum, 4);
    expect([...program.without]).toEqual([]);
    // a bias of all keys changes no attention
    for (const name of trained)
      expect(
        gradients.view(name).some((v) => v !== 0),
        name,
      ).toBe(true);
    await program.dispose();
  });

  test("their parameters belong to none of the model's parts", async () => {
    const { program, trained } = await programOf({ training });
    const heads = [...trained].filter((name) => name.startsWith("heads."));
    expect(new Set(heads.map((name) => name.split(".")[1]))).toEqual(new Set(["distill", "ctc", "tags", "frames"]));
    const { rest } = modelParts(trained);
    expect(rest).toEqual(expect.arrayContaining(heads));
    await program.dispose();
  });

  test("after a cached prefix, features are an input of the heads alone", async () => {
    const { program } = await programOf({ training, from: 0 });
    const random = new Random(2);
    const hidden = Float32Array.from({ length: BATCH * 2 * TOKENS * 16 }, () => random.normal());
    const given = batch();
    const inputs = { ...given, hidden: { data: hidden, shape: [BATCH, 2 * TOKENS, 16] } };
    const { metrics } = await program.run(inputs);
    const { data, shape } = given.input_features!;
    const louder = { data: (data as Float32Array).map((v) => v + 1), shape };
    const other = await program.run({ ...inputs, input_features: louder });
    expect(other.metrics.energy_loss).not.toBeCloseTo(metrics.energy_loss!, 2);
    expect(other.metrics.text_loss).toBe(metrics.text_loss);
    await program.dispose();
  });
});

describe("what the heads need", () => {
  test("is said by name; heads of weight 0 need nothing", () => {
    const all = tokenizerHeads(OBJECTIVES, { units, tags, teacher: TEACHER_CONFIG });
    expect(all.inputs).toEqual(["input_features", "ctc_labels", "tags", "pitch"]);
    expect(all.pitch).toBe(true);
    const none = tokenizerHeads({
      distill: { weight: 0 },
      ctc: { ...OBJECTIVES.ctc!, weight: 0 },
      tags: null,
      frames: { from: "codes", log_mel: 0, energy: 0, pitch: 0 },
    });
    expect(none).toMatchObject({ inputs: [], pitch: false, targets: {} });
    expect(none.heads({} as never)).toEqual([]);
  });

  test("labels of rows", () => {
    const { targets } = tokenizerHeads(OBJECTIVES, { units, tags, teacher: TEACHER_CONFIG });
    const row = (rest: Partial<Example>): Example => ({ id: "a#1", audio: { path: "a.wav" }, labels: {}, ...rest });
    expect(targets.units!(row({ text: " Cab " }))).toEqual(Int32Array.of(3, 1, 2));
    expect(targets.units!(row({ text: "", task: "asr" }))).toBeUndefined();
    expect(targets.units!(row({ text: "Neutral", task: "ser" }))).toBeUndefined();
    expect(() => targets.units!(row({ text: "axe" }))).toThrow(/^a#1: "x" is none of the 3 characters known/);
    expect(targets.tags!.encode(row({ tags: ["rain"] }))).toEqual(Float32Array.of(0, 1));
    expect(targets.tags!.encode(row({}))).toBeUndefined();
    expect(() => targets.tags!.encode(row({ tags: ["rainn"] }))).toThrow(/did you mean "rain"/);
  });

  test("units are of what is spoken, or a column's", () => {
    const row = (rest: Partial<Example>): Example => ({ id: "a#1", audio: { path: "a.wav" }, labels: {}, ...rest });
    const sap = (transcription: string | null) => ({
      task: "sap" as const,
      text: JSON.stringify({
        transcription,
        paralinguistics: { age: null, gender: null, emotion: null, accent: null, prosody: null, timbre: null },
        nonLinguisticEvents: { description: null, discreteEvents: [], continuousEvents: [] },
      }),
    });
    expect(unitLabel(row(sap(" Hi there. ")), "characters")).toBe("Hi there.");
    expect(unitLabel(row(sap(null)), "characters")).toBeUndefined();
    expect(unitLabel(row({ text: "a dog", task: "caption" }), "characters")).toBeUndefined();
    expect(unitLabel(row({ labels: { phonemes: ["h", "aɪ"] } }), "phonemes")).toEqual(["h", "aɪ"]);
    expect(unitLabel(row({ labels: { phonemes: " h aɪ" } }), "phonemes")).toBe("h aɪ");
    expect(unitLabel(row({ labels: { phonemes: null }, text: "hi" }), "phonemes")).toBeUndefined();
    expect(() => unitLabel(row({ labels: { phonemes: 7 } }), "phonemes")).toThrow(/a#1: column "phonemes"/);
  });

  test("vocabularies of the configuration, else of the rows", async () => {
    let read = 0;
    const rows = async function* () {
      for (const [text, own] of [
        ["ba", ["rain"]],
        ["ca", undefined],
        ["", ["dog", "rain"]],
      ] as const) {
        read++;
        yield { id: "r", audio: { path: "r.wav" }, labels: {}, text, ...(own && { tags: own }) };
      }
    };
    const listed = await headVocabularies(
      { ctc: { units: "characters", vocabulary: ["z", "y"] }, tags: { vocabulary: ["cat"] } },
      rows,
    );
    expect(read).toBe(0);
    expect([listed.units?.units, listed.tags?.tags]).toEqual([["z", "y"], ["cat"]]);
    const found = await headVocabularies(OBJECTIVES, rows);
    expect([found.units?.units, found.tags?.tags]).toEqual([
      ["a", "b", "c"],
      ["dog", "rain"],
    ]);
    const none = async function* () {};
    await expect(headVocabularies({ ctc: OBJECTIVES.ctc, tags: null }, none)).rejects.toThrow(
      /no training row has a transcript/,
    );
    await expect(headVocabularies({ ctc: null, tags: OBJECTIVES.tags }, none)).rejects.toThrow(
      /no training row has tags/,
    );
    expect(await headVocabularies({ ctc: null, tags: null }, none)).toEqual({});
  });
});

test("a teacher that hears other features is refused, and one that is not there", async () => {
  await expect(openTeacher(folder, 128)).rejects.toThrow(/hears 80 mel bands, the tokeniser 128/);
  await expect(openTeacher(join(folder, "nowhere", "x"), 80)).rejects.toThrow(/no such directory/);
});
