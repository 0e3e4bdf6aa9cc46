/** Each head's loss and gradients against PyTorch (tests/interop/make-head-goldens.py) and against differences. */
import {
  compile,
  createRuntime,
  Graph,
  gradients,
  mulDim,
  type NumericArray,
  type Program,
  type Runtime,
  Scope,
  symbol,
  type Tensor,
} from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LossProgram } from "../../engine/loss-program.ts";
import { fixtureJson } from "../../fixtures.ts";
import { AdamW } from "../../optimizer/adamw.ts";
import { ParameterArena } from "../../optimizer/parameter-arena.ts";
import { Random } from "../../random.ts";
import { UnitVocabulary } from "../../tasks/units.ts";
import { validPositions } from "../masked.ts";
import { CTC_LABELS, ctcHead, ctcLogits } from "./ctc.ts";
import { distillHead, type TeacherConfig } from "./distill.ts";
import { frameHeads, PITCH } from "./frames.ts";
import type { Head, HeadInputs } from "./head.ts";
import { TAGS, tagsHead } from "./tags.ts";

interface Golden {
  readonly lengths: number[];
  readonly ctcLabels: number[][];
  readonly tags: (number[] | null)[];
  readonly teacher: TeacherConfig;
  readonly shapes: Record<string, number[]>;
  readonly heads: Record<string, { loss: number; gradients: Record<string, { norm: number; product: number }> }>;
}
const golden = fixtureJson<Golden>("training/heads/losses.json");
const [BATCH, TOKENS, WIDTH, MELS, PER_TOKEN] = [3, 6, 8, 5, 4] as const;
const FRAMES = TOKENS * PER_TOKEN;
const [UNITS, CLASSES] = [6, 7];

/** The script's generator. */
function uniform(name: string, count: number, scale: number): Float32Array {
  let state = 2166136261;
  for (const c of name) state = Math.imul(state ^ c.charCodeAt(0), 16777619) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

const sizeOf = (shape: readonly number[]) => shape.reduce((p, d) => p * d, 1);

/** The parameters and all inputs, as the script has them. */
function arrays(): Record<string, NumericArray> {
  const values: Record<string, NumericArray> = {};
  for (const [name, shape] of Object.entries(golden.shapes)) {
    const fanIn = shape.length > 1 ? sizeOf(shape) / (shape[0] as number) : 4;
    values[name] = { data: uniform(name, sizeOf(shape), 1 / Math.sqrt(fanIn)), shape };
  }
  const drawn = (name: string, ...shape: number[]) => ({ data: uniform(name, sizeOf(shape), 1), shape });
  const pitch = drawn("pitch", BATCH, FRAMES);
  const tags = golden.tags.flatMap((own) =>
    Array.from({ length: CLASSES }, (_, c) => (own === null ? -1 : Number(own.includes(c)))),
  );
  return {
    ...values,
    codes: drawn("codes", BATCH, TOKENS, WIDTH),
    hidden: drawn("hidden", BATCH, TOKENS, WIDTH),
    input_features: { ...drawn("features", BATCH, MELS, FRAMES), shape: [BATCH, MELS, FRAMES] },
    attention_mask: {
      data: Int32Array.from({ length: BATCH * FRAMES }, (_, i) =>
        Number(i % FRAMES < golden.lengths[Math.floor(i / FRAMES)]!),
      ),
      shape: [BATCH, FRAMES],
    },
    [CTC_LABELS]: { data: Int32Array.from(golden.ctcLabels.flat()), shape: [BATCH, 4] },
    [TAGS]: { data: Float32Array.from(tags), shape: [BATCH, CLASSES] },
    [PITCH]: { ...pitch, data: pitch.data.map((v) => (v > -0.2 ? v + 2 : 0)) },
  };
}

/** A batch of any size, with tokens and frames as the tokeniser's graph has them. */
function headInputs(graph: Graph, p: Scope, width: number): HeadInputs {
  const [batch, tokens] = [symbol("batch"), symbol("tokens")];
  const frames = mulDim(tokens, PER_TOKEN);
  const attentionMask = graph.input("attention_mask", [batch, frames], "int32");
  const everyToken = attentionMask.reshape([batch, tokens, PER_TOKEN]).slice(2, 0, 1).reshape([batch, tokens]);
  let features: Tensor | undefined;
  return {
    graph,
    p,
    codes: graph.input("codes", [batch, tokens, width]),
    hidden: graph.input("hidden", [batch, tokens, width]),
    valid: validPositions(everyToken),
    attentionMask,
    framesPerToken: PER_TOKEN,
    features: () => (features ??= graph.input("input_features", [batch, MELS, frames])),
  };
}

const frameHead = (name: "log_mel" | "energy" | "pitch") => (inputs: HeadInputs) =>
  frameHeads(inputs, { from: "codes", log_mel: 0, energy: 0, pitch: 0, [name]: 1 })[0]!;
const HEADS: Record<string, (inputs: HeadInputs) => Head> = {
  ctc: (inputs) => ctcHead(inputs, { weight: 1, units: UNITS, from: "codes" }),
  tags: (inputs) => tagsHead(inputs, { weight: 1, classes: CLASSES }),
  log_mel: frameHead("log_mel"),
  energy: frameHead("energy"),
  pitch: frameHead("pitch"),
  distill: (inputs) => distillHead(inputs, { weight: 1, teacher: golden.teacher }),
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 2, thread: "calling" });
});
afterAll(() => runtime.dispose());

/** A head as a program that takes its parameters as inputs, with the gradients of those that are trained and of its input. */
async function headProgram(name: string): Promise<{ program: Program; inputs: readonly string[]; moving: string[] }> {
  const graph = new Graph(name);
  const weight = (key: string) => {
    const shape = golden.shapes[key];
    return shape && { dtype: "F32" as const, shape, read: async () => new Uint8Array(4 * sizeOf(shape)) };
  };
  const given = headInputs(graph, new Scope(graph, weight), WIDTH);
  const head = HEADS[name]!(given);
  expect(head.name).toBe(name);
  const targets = [...graph.parameters.values()].map((p) => p.tensor).filter((t) => !t.name!.startsWith("teacher."));
  targets.push(name === "distill" ? given.hidden : given.codes);
  graph.outputs = {
    loss: head.loss,
    ...Object.fromEntries(gradients(head.loss, targets).map((g, i) => [`gradient ${targets[i]!.name}`, g])),
    ...Object.fromEntries(Object.entries(head.metrics ?? {}).map(([key, t]) => [`metric ${key}`, t])),
  };
  const inputs = [...graph.inputs, ...[...graph.parameters.values()].map((p) => p.tensor)].map((t) => t.name as string);
  return {
    program: await compile(runtime, graph, { fed: () => true }),
    inputs,
    moving: targets.map((t) => t.name as string),
  };
}

const chosen = (all: Record<string, NumericArray>, names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, all[name]!]));
const norm = (v: Float32Array) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe.each(Object.keys(HEADS))("%s", (name) => {
  test("loss and gradients are PyTorch's", async () => {
    const { program, inputs, moving } = await headProgram(name);
    const results = await program.run(chosen(arrays(), inputs));
    const { loss, gradients: wanted } = golden.heads[name]!;
    expect(Math.abs((results.loss!.data[0] as number) / loss - 1)).toBeLessThan(1e-6);
    expect(Object.keys(wanted).sort()).toEqual([...moving].sort());
    for (const [key, want] of Object.entries(wanted)) {
      const got = results[`gradient ${key}`]!.data as Float32Array;
      expect(Math.abs(norm(got) / want.norm - 1), key).toBeLessThan(1e-5);
      const product = dot(got, uniform(`${key}?`, got.length, 1));
      expect(Math.abs(product - want.product), key).toBeLessThan(1e-5 * want.norm);
    }
    await program.dispose();
  });

  test("gradients are what differences say, along random directions", async () => {
    const { program, inputs, moving } = await headProgram(name);
    const random = new Random(5);
    const step = 5e-3;
    for (let k = 0; k < 4; k++) {
      const all = arrays();
      const results = await program.run(chosen(all, inputs));
      let slope = 0;
      const directions = moving.map((key) => {
        const direction = (all[key]!.data as Float32Array).map(() => random.normal());
        slope += dot(results[`gradient ${key}`]!.data as Float32Array, direction);
        return direction;
      });
      const lossAt = async (distance: number) => {
        const moved = arrays();
        for (const [i, key] of moving.entries()) {
          const { data, shape } = moved[key]!;
          moved[key] = { data: (data as Float32Array).map((v, j) => v + distance * directions[i]![j]!), shape };
        }
        return (await program.run(chosen(moved, inputs))).loss!.data[0] as number;
      };
      const difference = ((await lossAt(step)) - (await lossAt(-step))) / (2 * step);
      expect(Math.abs(difference - slope)).toBeLessThan(5e-3 * Math.max(1, Math.abs(slope)));
    }
    await program.dispose();
  });
});

describe("metrics", () => {
  const metricsOf = async (name: string, change: (all: Record<string, NumericArray>) => void = () => {}) => {
    const { program, inputs } = await headProgram(name);
    const all = arrays();
    change(all);
    const results = await program.run(chosen(all, inputs));
    await program.dispose();
    return (key: string) => {
      const values = results[key]!.data as Float32Array;
      return values.length === 1 ? values[0]! : norm(values);
    };
  };

  test("one of two labels does not fit into its tokens", async () => {
    expect((await metricsOf("ctc"))("metric too_long")).toBe(0.5);
    const labels =
      (...units: number[]) =>
      (all: Record<string, NumericArray>) =>
        (all[CTC_LABELS]!.data as Int32Array).set(units);
    // 6, 5 and 2 tokens; between equal neighbours there is one more
    const fit = labels(1, 1, 1, 2, 3, 3, 4, -1, 1, 2, -1, -1);
    expect((await metricsOf("ctc", fit))("metric too_long")).toBe(0);
    const none = labels(1, 1, 1, 1, 3, 3, 3, 4, 2, 2, -1, -1);
    expect((await metricsOf("ctc", none))("metric too_long")).toBe(1);
  });

  test("the likeliest class, of rows whose classes are known", async () => {
    const bias = (c: number) => (all: Record<string, NumericArray>) => {
      (all["heads.tags.linear.bias"]!.data as Float32Array)[c] = 99;
    };
    expect((await metricsOf("tags", bias(4)))("metric top")).toBe(0.5);
    expect((await metricsOf("tags", bias(0)))("metric top")).toBe(0.5);
    expect((await metricsOf("tags", bias(6)))("metric top")).toBe(0);
  });

  test("pitch: of constant answers", async () => {
    const metric = await metricsOf("pitch", (all) => {
      const weight = all["heads.frames.pitch.weight"]!.data as Float32Array;
      weight.fill(0);
      (all["heads.frames.pitch.bias"]!.data as Float32Array).set([2.5, 1, 2.5, 1, 2.5, 1, 2.5, 1]);
    });
    const { pitch, attention_mask } = arrays();
    const real = [...(pitch!.data as Float32Array)].filter((_, i) => attention_mask!.data[i] === 1);
    const voiced = real.filter((v) => v > 0);
    expect(voiced.length).toBeLessThan(real.length);
    const error = voiced.reduce((sum, v) => sum + Math.abs(v - 2.5), 0) / voiced.length;
    expect(metric("metric octaves")).toBeCloseTo(error, 5);
    expect(metric("metric voicing")).toBeCloseTo(voiced.length / real.length, 5);
  });

  test("a batch without any label has no loss and no gradient", async () => {
    const ctc = await metricsOf("ctc", (all) => (all[CTC_LABELS]!.data as Int32Array).fill(-1));
    expect([ctc("loss"), ctc("metric too_long"), ctc("gradient codes")]).toEqual([0, 0, 0]);
    const tags = await metricsOf("tags", (all) => (all[TAGS]!.data as Float32Array).fill(-1));
    expect([tags("loss"), tags("metric top"), tags("gradient codes")]).toEqual([0, 0, 0]);
    const silent = await metricsOf("pitch", (all) => (all[PITCH]!.data as Float32Array).fill(0));
    expect(silent("metric octaves")).toBe(0);
    expect(silent("loss")).toBeGreaterThan(0);
  });
});

test("ctc learns to spell two labels from random codes", async () => {
  const [tokens, width] = [24, 32];
  const vocabulary = new UnitVocabulary("characters", [..."abcdefgh"]);
  const words = ["abbacade", "hegf"];
  const random = new Random(1);
  const codes = {
    data: Float32Array.from({ length: 2 * tokens * width }, () => random.normal()),
    shape: [2, tokens, width],
  };
  const labels = new Int32Array(16).fill(-1);
  for (const [row, word] of words.entries()) labels.set(vocabulary.encode(word, "row"), 8 * row);
  const inputs = {
    codes,
    hidden: codes,
    [CTC_LABELS]: { data: labels, shape: [2, 8] },
    attention_mask: {
      data: Int32Array.from({ length: 2 * tokens * PER_TOKEN }, (_, i) => Number(i < 1.5 * tokens * PER_TOKEN)),
      shape: [2, tokens * PER_TOKEN],
    },
  };
  const fresh = (name: string, length: number, start: number) => ({
    name: `heads.ctc.${name}`,
    shape: name === "linear.weight" ? [vocabulary.size, width] : [length],
    values: Float32Array.from({ length }, () => start || 0.1 * random.normal()),
  });
  const arena = ParameterArena.from([
    fresh("layer_norm.weight", width, 1),
    fresh("layer_norm.bias", width, 0),
    fresh("linear.weight", vocabulary.size * width, 0),
    fresh("linear.bias", vocabulary.size, 0),
  ]);
  const names = arena.entries.map(({ name }) => name);
  const program = await LossProgram.compile(runtime, "ctc", { parameters: arena, trained: new Set(names) }, (g, p) => {
    const given = headInputs(g, p, width);
    const { loss } = ctcHead(given, { weight: 1, units: vocabulary.size, from: "codes" });
    return { loss, outputs: { best: ctcLogits(given.codes, p.at("heads", "ctc"), vocabulary.size).argMax(-1) } };
  });
  const optimizer = await AdamW.create(runtime, arena, [{ name: "rest", parameters: names, learningRate: () => 0.03 }]);
  const gradient = optimizer.newGradients();
  const spelled = (best: NumericArray) =>
    words.map((_, row) => {
      const own = best.data.slice(row * tokens, row * tokens + (row === 0 ? tokens : tokens / 2)) as BigInt64Array;
      return vocabulary.decode(Array.from(own, Number)).join("");
    });
  const before = await program.run(inputs, gradient);
  expect(spelled(before.outputs.best!)).not.toEqual(words);
  for (let step = 0; step < 200; step++) {
    await program.run(inputs, gradient);
    await optimizer.step(gradient);
  }
  const after = await program.run(inputs, gradient);
  expect(after.loss).toBeLessThan(before.loss / 50);
  expect(spelled(after.outputs.best!)).toEqual(words);
  await program.dispose();
  await optimizer.dispose();
});
