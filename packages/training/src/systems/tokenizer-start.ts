/** Where the training of a tokeniser starts: its text tokenizer, its configuration and its weights. */

import { readFile } from "node:fs/promises";
import {
  type ModelFiles,
  openModel,
  openSafetensorsModel,
  readFloat32,
  readJson,
  type TensorStore,
} from "universal-audio-tokenizer/internal";
import { isNamed } from "../config/model-config.ts";
import type { TokenizerRun } from "../config/read-run-config.ts";
import { tokenizerGeometry } from "../config/tokenizer-geometry.ts";
import { TrainingError } from "../errors.ts";
import type { TokenizerConfig } from "../objectives/tokenizer.ts";
import type { ParameterArena, ParameterSpec } from "../optimizer/parameter-arena.ts";
import { Random } from "../random.ts";
import { byteTokenizer } from "../tasks/byte-tokenizer.ts";
import { growEmbedding } from "../tasks/embedding.ts";
import { TextTokenizer } from "../tasks/text-tokenizer.ts";
import { type AskedParameter, type InitialParameter, initialWeights } from "./initial-weights.ts";
import { CODEBOOK, QUANTIZER_BUFFERS } from "./quantizer-training.ts";

export interface TokenizerStart {
  readonly text: TextTokenizer;
  /** Content of the checkpoint's config.json. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly config: TokenizerConfig;
  /** Weights to start from, with names as in a training checkpoint; absent for a fresh start. */
  readonly store: TensorStore | undefined;
}

/** Where the parameters of heads lie. */
export const HEADS = "heads.";
/** A checkpoint's file of weights that its model does not hold, without its ending. */
const KEPT_WEIGHTS = "training/weights";
/** The tied output layer is stored once. */
const EMBEDDING = "model.decoder.embed_tokens.weight";

/** Reads what `model` of the configuration names. @throws TrainingError or CheckpointError when it is not there or unfit. */
export async function tokenizerStart({ model }: Pick<TokenizerRun, "model">, file: string): Promise<TokenizerStart> {
  const files = model.init === null ? undefined : await openModel(model.init);
  const folder = files && (await tokenizerFolder(files, model.init as string));
  const text = await textTokenizer(model.tokenizer, files, folder ?? "");
  const base = model.config_file
    ? await readJsonFile(model.config_file)
    : files
      ? await readJson(files, `${folder}config.json`)
      : {};
  const { json, config } = tokenizerGeometry(base, model.config, text, model.config_file ?? file);
  const store = files && whole(await openSafetensorsModel(files, `${folder}model`));
  const heads = store && (await headWeights(files));
  return {
    text,
    json,
    config: { ...json, ...config } as unknown as TokenizerConfig,
    store: heads ? joined(store, heads) : store,
  };
}

/** What a run keeps of its heads beside the model. */
async function headWeights(files: ModelFiles): Promise<TensorStore | undefined> {
  if (!(await files.exists(`${KEPT_WEIGHTS}.safetensors`))) return undefined;
  return openSafetensorsModel(files, KEPT_WEIGHTS);
}

/** A model and the heads among the weights kept beside it, which may be those of the model again, in full precision. */
function joined(first: TensorStore, second: TensorStore): TensorStore {
  const names = new Set([...second.names()].filter((name) => name.startsWith(HEADS)));
  const of = (name: string) => (names.has(name) ? second : first);
  return {
    names: () => [...first.names(), ...names][Symbol.iterator](),
    info: (name) => of(name).info(name),
    read: (name) => of(name).read(name),
    locate: (name) => of(name).locate(name),
    close: async () => {
      await first.close();
      await second.close();
    },
  };
}

/** Official checkpoints have their tokeniser in a folder, Whisper's lie at the root. */
async function tokenizerFolder(files: ModelFiles, id: string): Promise<string> {
  for (const folder of ["tokenizer/", ""]) if (await files.exists(`${folder}config.json`)) return folder;
  throw new TrainingError(`model.init ${id}: has neither tokenizer/config.json nor config.json`);
}

async function textTokenizer(
  choice: string | null,
  files: ModelFiles | undefined,
  folder: string,
): Promise<TextTokenizer> {
  if (choice === "bytes") return byteTokenizer();
  if (choice !== null) return new TextTokenizer(await readJsonFile(choice), choice);
  const path = `${folder}tokenizer.json`;
  return files && (await files.exists(path)) ? TextTokenizer.read(files, path) : byteTokenizer();
}

async function readJsonFile(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new TrainingError(`${path}: cannot be read as JSON (${(cause as Error).message.split("\n")[0]})`, { cause });
  }
}

/** An encoder that was stored alone gets the names that it has within a whole model. */
function whole(store: TensorStore): TensorStore {
  const names = [...store.names()];
  if (names.some((name) => name.startsWith("model."))) return store;
  const nested = names.some((name) => name.startsWith("encoder."));
  const own = (name: string) => name.replace(nested ? /^model\./ : /^model\.encoder\./, "");
  return {
    names: () => names.map((name) => (nested ? `model.${name}` : `model.encoder.${name}`))[Symbol.iterator](),
    info: (name) => store.info(own(name)),
    read: (name) => store.read(own(name)),
    locate: (name) => store.locate(own(name)),
    close: () => store.close(),
  };
}

/** What had to be made up. */
export interface StartingPoint {
  /** Parameters that the checkpoint to start from lacks. */
  readonly fresh: readonly string[];
  /** The codebook has no values yet: it takes them from the first frames. */
  readonly emptyCodebook: boolean;
}

/** All that the training of a tokeniser holds: the network's parameters and the codebook's moving averages. */
export function heldParameters(asked: readonly AskedParameter[], c: TokenizerConfig): ParameterSpec[] {
  if (c.quantize_ema_decay === null) return [...asked];
  const size = c.quantize_vocab_size as number;
  const [counts, sums] = QUANTIZER_BUFFERS as [string, string];
  return [...asked, { name: counts, shape: [size] }, { name: sums, shape: [size, c.d_model] }];
}

/**
 * Fills an arena: values of the checkpoint to start from where it has them, else fresh ones. Position tables are sines
 * (Vaswani et al., 2017, section 3.5, as Whisper's encoder has them), embeddings N(0, 0.02).
 * @param arena of heldParameters, zeros.
 * @param asked the network's parameters.
 * @throws TrainingError when the checkpoint holds another shape.
 */
export async function fillTokenizerWeights(
  arena: ParameterArena,
  asked: readonly AskedParameter[],
  { store }: TokenizerStart,
  coldStart: readonly string[],
  seed: number,
): Promise<StartingPoint> {
  const isStored = (name: string) => store?.info(name) !== undefined && !isNamed(name, coldStart);
  for (const parameter of initialWeights(asked, seed, (name) => !isStored(name)))
    arena.view(parameter.name).set(whisperValues(parameter, seed) ?? parameter.values);
  const fresh: string[] = [];
  for (const { name, shape } of arena.entries) {
    if (!isStored(name)) {
      if (store && !isNamed(name, coldStart)) fresh.push(name);
      continue;
    }
    const held = (store as TensorStore).info(name)?.shape as readonly number[];
    const values = await readFloat32(store as TensorStore, name);
    const [rows, width] = shape as [number, number];
    if (name === EMBEDDING && held[1] === width && (held[0] as number) < rows) {
      arena.view(name).set(growEmbedding(values, width, rows, new Random(seed)));
      continue;
    }
    if (held.length !== shape.length || held.some((d, i) => d !== shape[i]))
      throw new TrainingError(
        `${name} has shape [${held}] in the checkpoint to start from, the configuration asks for [${shape}]; ` +
          `change model.config, or list a beginning of this name in model.cold_start`,
      );
    arena.view(name).set(values);
  }
  return { fresh, emptyCodebook: !isStored(CODEBOOK) };
}

function whisperValues({ name, shape }: InitialParameter, seed: number): Float32Array | undefined {
  const [rows, width] = shape as [number, number];
  if (/encoder\.embed_positions2?\.weight$/.test(name)) return sines(rows, width);
  if (!/decoder\.embed_(tokens|positions)\.weight$/.test(name)) return undefined;
  const random = new Random(seed + shape.length + rows);
  return Float32Array.from({ length: rows * width }, () => 0.02 * random.normal());
}

/** [rows, width]: sines of row · 10000^(−i / (width/2 − 1)), then cosines. */
function sines(rows: number, width: number): Float32Array {
  const half = width / 2;
  const table = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < half; i++) {
      const angle = row * Math.exp((-Math.log(10000) * i) / Math.max(1, half - 1));
      table[row * width + i] = Math.sin(angle);
      table[row * width + half + i] = Math.cos(angle);
    }
  return table;
}
