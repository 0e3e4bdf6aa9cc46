/** The configuration of `uat train`, one schema a system. Every key is described: docs/training.md lists them. */
import { z } from "zod";
import { dataConfig } from "./data-config.ts";
import { block, count, flag, oneOf, size } from "./fields.ts";
import { decoderModel, readerModel, tokenizerModel } from "./model-config.ts";
import {
  acousticObjectives,
  flowObjectives,
  readerObjectives,
  tokenizerObjectives,
  vocoderObjectives,
} from "./objectives-config.ts";
import { acousticOptimizer, flowOptimizer, tokenizerOptimizer, vocoderOptimizer } from "./optimizer-config.ts";

export const SYSTEMS = ["tokenizer", "flow", "acoustic", "vocoder", "reader"] as const;

/** What is trained: audio → tokens, tokens → mel (in two ways), mel → waveform, tokens → words. */
export type System = (typeof SYSTEMS)[number];

/** 2^32 seeds. */
const seed = count.max(0xffffffff, "expected a whole number from 0 to 4294967295");

const common = {
  seed: seed.default(0).describe("of every random draw; `--seed` goes before it"),
  steps: size.describe("updates of the weights; `--steps` stops earlier or later"),
  batch_size: size.default(4).describe("clips of a forward and backward pass, in all processes together"),
  accumulate: size.default(1).describe("passes whose gradients are averaged before an update"),
  save_every: size.default(1000).describe("steps between checkpoints; `--save-every` goes before it"),
  evaluate_every: count.default(1000).describe("steps between evaluations; 0: none"),
  keep_checkpoints: size.default(3).describe("newest checkpoints that are kept"),
  threads: size.nullable().default(null).describe("of the engine in each process; null: all cores, shared"),
  workers: count.default(1).describe("threads that read and decode clips; 0: the main thread does"),
  processes: size.default(1).describe("processes on this machine that share each batch"),
  storage: oneOf(["fp32", "fp16", "bf16"]).default("fp32").describe("how checkpoints store the weights"),
  recompute: flag.default(false).describe("layers are run again in the backward pass: less memory, more time"),
};

const systemKey = <const S extends System>(system: S) => z.literal(system).describe("what is trained");

/** By system; `system` itself is looked at first. */
export const RUN_SCHEMAS = {
  tokenizer: block({
    system: systemKey("tokenizer"),
    ...common,
    model: tokenizerModel.describe("what is trained"),
    data: dataConfig.describe("what it is trained on"),
    optimizer: tokenizerOptimizer.describe("how its weights change"),
    objectives: tokenizerObjectives.describe("what it is taught by"),
  }),
  flow: block({
    system: systemKey("flow"),
    ...common,
    model: decoderModel.describe("what is trained"),
    data: dataConfig.describe("what it is trained on"),
    optimizer: flowOptimizer.describe("how its weights change"),
    objectives: flowObjectives.describe("what it is taught by"),
  }),
  acoustic: block({
    system: systemKey("acoustic"),
    ...common,
    model: decoderModel.describe("what is trained"),
    data: dataConfig.describe("what it is trained on"),
    optimizer: acousticOptimizer.describe("how its weights change"),
    objectives: acousticObjectives.describe("what it is taught by"),
  }),
  vocoder: block({
    system: systemKey("vocoder"),
    ...common,
    model: decoderModel.describe("what is trained"),
    data: dataConfig.describe("what it is trained on"),
    optimizer: vocoderOptimizer.describe("how its weights change"),
    objectives: vocoderObjectives.describe("what it is taught by"),
  }),
  reader: block({
    system: systemKey("reader"),
    ...common,
    model: readerModel.describe("what is trained"),
    data: dataConfig.describe("what it is trained on"),
    optimizer: acousticOptimizer.describe("how its weights change"),
    objectives: readerObjectives.describe("what it is taught by"),
  }),
} as const satisfies Record<System, z.ZodObject>;
