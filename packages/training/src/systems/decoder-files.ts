/**
 * A trained decoder in the official layout: config.yaml (HyperPyYAML), flow.pt and hift.pt, state dicts as torch.save
 * writes them. Vocoder weights are trained whole and stored as upstream's modules hold them, as direction `weight_v` and
 * length `weight_g` (Salimans & Kingma, 2016, arXiv 1602.07868): the weight itself and its norm, so that folding the
 * two changes nothing.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type AcousticDecoderConfig,
  type DecoderConfig,
  float32Tensor,
  type LazyTensor,
  readFloat32,
  type TensorData,
  type TensorStore,
} from "universal-audio-tokenizer/internal";
import { storedTensor, type WeightStorage } from "../checkpoint/stored-weights.ts";
import { writeTorchFile } from "../checkpoint/torch-file.ts";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";
import { writeAtomically } from "../report/files.ts";
import type { InitialParameter } from "./initial-weights.ts";

/** The parameters of an arena as tensors that share its memory. */
export const storedTensors = (parameters: ParameterArena): Map<string, TensorData> =>
  float32Tensors(parameters.entries.map(({ name, shape }) => ({ name, shape, values: parameters.view(name) })));

/** Values as tensors that share their memory. */
export const float32Tensors = (parameters: readonly InitialParameter[]): Map<string, TensorData> =>
  new Map(parameters.map(({ name, shape, values }) => [name, float32Tensor(shape, values)]));

/** What is stored beside the configuration; a half that is absent is left as it is on disk. */
export interface DecoderParts {
  /** By `NetworkTraining.weights`: those of the one or the other. */
  readonly flow?: TensorStore | undefined;
  readonly acoustic?: TensorStore | undefined;
  /** By `VocoderTraining.weights`. */
  readonly hift?: TensorStore | undefined;
  readonly storage?: WeightStorage | undefined;
}

/**
 * Writes config.yaml, flow.pt and hift.pt into `directory`.
 * @throws TrainingError when they cannot be written; no file is half there.
 */
export async function writeDecoder(
  directory: string,
  config: WrittenConfig,
  { flow, acoustic, hift, storage = "fp32" }: DecoderParts,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  if (flow) await writeTorchFile(join(directory, "flow.pt"), await plainTensors(flow, storage));
  if (acoustic) await writeTorchFile(join(directory, "acoustic.pt"), await plainTensors(acoustic, storage));
  if (hift) await writeTorchFile(join(directory, "hift.pt"), await normedTensors(hift, storage));
  await writeAtomically(join(directory, "config.yaml"), decoderConfigYaml(config));
}

type WrittenConfig = Pick<DecoderConfig, "sample_rate" | "flow" | "hift"> | AcousticDecoderConfig;

async function plainTensors(store: TensorStore, storage: WeightStorage): Promise<Map<string, LazyTensor>> {
  const tensors = new Map<string, LazyTensor>();
  for (const name of store.names())
    tensors.set(name, storedTensor(name, store.info(name)!.shape, await readFloat32(store, name), storage));
  return tensors;
}

/** Layers that upstream's vocoder has without weight norm. */
const WITHOUT_NORM = /^(source\.|source_downs\.|f0_predictor\.classifier\.)/;

async function normedTensors(store: TensorStore, storage: WeightStorage): Promise<Map<string, LazyTensor>> {
  const tensors = await plainTensors(store, storage);
  for (const name of store.names()) {
    if (!name.endsWith(".weight") || WITHOUT_NORM.test(name)) continue;
    const [rows, ...rest] = store.info(name)!.shape as [number, ...number[]];
    const lengths = rowNorms(await readFloat32(store, name), rows);
    tensors.set(`${name}_g`, storedTensor(`${name}_g`, [rows, ...rest.map(() => 1)], lengths, storage));
    tensors.set(`${name}_v`, tensors.get(name) as LazyTensor);
    tensors.delete(name);
  }
  return tensors;
}

/** In float32, as the fold divides by it. */
function rowNorms(values: Float32Array, rows: number): Float32Array {
  const length = values.length / rows;
  return Float32Array.from({ length: rows }, (_, row) => {
    let squares = 0;
    for (let i = row * length; i < (row + 1) * length; i++) squares += values[i]! ** 2;
    return Math.sqrt(squares);
  });
}

/** Where classes live. */
const MODULES: Readonly<Record<string, string>> = {
  MaskedDiffWithXvec: "cosyvoice.flow.flow",
  ConformerEncoder: "cosyvoice.transformer.encoder",
  BlockConformerEncoder: "cosyvoice.transformer.encoder",
  InterpolateRegulator: "cosyvoice.flow.length_regulator",
  ConditionalCFM: "cosyvoice.flow.flow_matching",
  ConditionalDecoder: "cosyvoice.flow.decoder",
  HiFTGenerator: "cosyvoice.hifigan.generator",
  ConvRNNF0Predictor: "cosyvoice.hifigan.f0_predictor",
  DictConfig: "omegaconf",
  // this project's own
  AcousticModel: "universal_audio_tokenizer",
};

/** A decoder's configuration as HyperPyYAML text that `parseAnyDecoderConfig` reads back, and upstream one with a flow. */
export function decoderConfigYaml(config: WrittenConfig): string {
  const { sample_rate, hift } = config;
  if ("acoustic" in config) return yamlText({ sample_rate, acoustic: config.acoustic, hift });
  const { flow } = config;
  const { cfm_params, ...matching } = flow.decoder;
  const decoder = { ...matching, cfm_params: { class: "DictConfig", content: cfm_params } };
  return yamlText({ sample_rate, flow: { ...flow, decoder }, hift });
}

const yamlText = (fields: object): string => yamlLines(fields, "").join("\n").concat("\n");

function yamlLines(fields: object, indent: string): string[] {
  return Object.entries(fields).flatMap(([name, value]: [string, unknown]) => {
    if (value === undefined || name === "class") return [];
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return [`${indent}${name}: ${yamlValue(value)}`];
    const type = (value as { class?: string }).class;
    const tag = type === undefined ? "" : ` !new:${MODULES[type]}.${type}`;
    return [`${indent}${name}:${tag}`, ...yamlLines(value, `${indent}    `)];
  });
}

/** JSON is YAML, but for numbers like 1e-6, which YAML 1.1 takes for text without a dot. */
function yamlValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(yamlValue).join(", ")}]`;
  const text = JSON.stringify(value);
  return typeof value === "number" && /^-?\d+e/.test(text) ? text.replace("e", ".0e") : text;
}
