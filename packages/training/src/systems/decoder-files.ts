/**
 * A trained decoder in the official layout: config.yaml (HyperPyYAML), flow.pt and hift.pt, state dicts as torch.save
 * writes them. Vocoder weights are trained whole and stored as upstream's modules hold them, as direction `weight_v` and
 * length `weight_g` (Salimans & Kingma, 2016, arXiv 1602.07868): the weight itself and its norm, so that folding the
 * two changes nothing.
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  type DecoderConfig,
  float32Tensor,
  type LazyTensor,
  readFloat32,
  streamTorchFile,
  type TensorData,
  type TensorStore,
} from "universal-audio-tokenizer/internal";
import type { ParameterArena, ParameterSpec } from "../optimizer/parameter-arena.ts";
import { writeAtomically, writeError } from "../report/files.ts";

/** Parameters of an arena as tensors that share its memory. */
export const storedTensors = (parameters: ParameterArena, specs: Iterable<ParameterSpec>): Map<string, TensorData> =>
  new Map([...specs].map(({ name, shape }) => [name, float32Tensor(shape, parameters.view(name))]));

/** What is stored beside the configuration; a half that is absent is left as it is on disk. */
export interface DecoderParts {
  /** By `FlowTraining.weights`. */
  readonly flow?: TensorStore | undefined;
  /** By `VocoderTraining.weights`. */
  readonly hift?: TensorStore | undefined;
}

/**
 * Writes `directory`/config.yaml, flow.pt and hift.pt; each file is complete or not there. The configuration comes last.
 */
export async function writeDecoder(
  directory: string,
  config: Pick<DecoderConfig, "sample_rate" | "flow" | "hift">,
  { flow, hift }: DecoderParts,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  if (flow) await writeStateDict(join(directory, "flow.pt"), plainTensors(flow));
  if (hift) await writeStateDict(join(directory, "hift.pt"), await normedTensors(hift));
  await writeAtomically(join(directory, "config.yaml"), decoderConfigYaml(config));
}

const lazy = (store: TensorStore, name: string): LazyTensor => ({
  dtype: "F32",
  shape: store.info(name)!.shape,
  data: () => store.read(name),
});

const plainTensors = (store: TensorStore): Map<string, LazyTensor> =>
  new Map([...store.names()].map((name) => [name, lazy(store, name)]));

/** Layers that upstream's vocoder has without weight norm. */
const WITHOUT_NORM = /^(source\.|source_downs\.|f0_predictor\.classifier\.)/;

async function normedTensors(store: TensorStore): Promise<Map<string, LazyTensor>> {
  const tensors = new Map<string, LazyTensor>();
  for (const name of store.names()) {
    const { shape } = store.info(name)!;
    if (!name.endsWith(".weight") || WITHOUT_NORM.test(name)) {
      tensors.set(name, lazy(store, name));
      continue;
    }
    const [rows, ...rest] = shape as [number, ...number[]];
    const lengths = rowNorms(await readFloat32(store, name), rows);
    tensors.set(`${name}_g`, {
      dtype: "F32",
      shape: [rows, ...rest.map(() => 1)],
      data: () => new Uint8Array(lengths.buffer),
    });
    tensors.set(`${name}_v`, lazy(store, name));
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

/** Tensor by tensor under a temporary name, which is renamed once all is there. */
async function writeStateDict(path: string, tensors: ReadonlyMap<string, LazyTensor>): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await streamTorchFile(tensors, (chunk) => file.writeFile(chunk));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
}

/** Where upstream's classes live. */
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
};

/** A decoder's configuration as HyperPyYAML text that `parseDecoderConfig`, and upstream, read back. */
export function decoderConfigYaml({ sample_rate, flow, hift }: Pick<DecoderConfig, "sample_rate" | "flow" | "hift">) {
  const { cfm_params, ...matching } = flow.decoder;
  const decoder = { ...matching, cfm_params: { class: "DictConfig", content: cfm_params } };
  return yamlLines({ sample_rate, flow: { ...flow, decoder }, hift }, "")
    .join("\n")
    .concat("\n");
}

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
