/** Where the training of a tokeniser starts: its text tokenizer, its configuration and its weights. */

import { readFile } from "node:fs/promises";
import {
  type ModelFiles,
  openModel,
  openSafetensorsModel,
  readFloat32,
  readJson,
  type TensorStore,
  type WhisperVqConfig,
} from "universal-audio-tokenizer/internal";
import { isNamed } from "../config/model-config.ts";
import type { TokenizerRun } from "../config/read-run-config.ts";
import { tokenizerGeometry } from "../config/tokenizer-geometry.ts";
import { TrainingError } from "../errors.ts";
import type { TokenizerConfig } from "../objectives/tokenizer.ts";
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
  const store = files && (await openSafetensorsModel(files, `${folder}model`));
  return { text, json, config: { ...json, ...config } as unknown as TokenizerConfig, store: store && whole(store) };
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

/** Values to start from, and what had to be made up. */
export interface StartingWeights {
  readonly parameters: readonly InitialParameter[];
  /** Parameters that the checkpoint to start from lacks. */
  readonly fresh: readonly string[];
  /** The codebook has no values yet: it takes them from the first frames. */
  readonly emptyCodebook: boolean;
}

/**
 * Values of all parameters: those of `store` where it has them, else fresh ones. Position tables are sines (Vaswani et
 * al., 2017, section 3.5, as Whisper's encoder has them), embeddings N(0, 0.02).
 * @param asked the network's parameters.
 * @throws TrainingError when the store holds another shape.
 */
export async function tokenizerWeights(
  asked: readonly AskedParameter[],
  { config, store }: TokenizerStart,
  coldStart: readonly string[],
  seed: number,
): Promise<StartingWeights> {
  const initial = initialWeights(asked, seed).map((p) => ({ ...p, values: whisperValues(p, seed) ?? p.values }));
  const buffers = quantizerBuffers(config);
  const fresh: string[] = [];
  const parameters: InitialParameter[] = [];
  for (const parameter of [...initial, ...buffers]) {
    const { name, shape } = parameter;
    const stored = store && !isNamed(name, coldStart) ? store.info(name) : undefined;
    if (!stored) {
      if (store && !isNamed(name, coldStart)) fresh.push(name);
      parameters.push(parameter);
      continue;
    }
    const values = await readFloat32(store as TensorStore, name);
    if (name === EMBEDDING && stored.shape[1] === shape[1] && (stored.shape[0] as number) < (shape[0] as number)) {
      const grown = growEmbedding(values, shape[1] as number, shape[0] as number, new Random(seed));
      parameters.push({ name, shape, values: grown });
      continue;
    }
    if (stored.shape.length !== shape.length || stored.shape.some((d, i) => d !== shape[i]))
      throw new TrainingError(
        `${name} has shape [${stored.shape}] in the checkpoint to start from, the configuration asks for [${shape}]; ` +
          `change model.config, or list a beginning of this name in model.cold_start`,
      );
    parameters.push({ name, shape, values });
  }
  const emptyCodebook = !store?.info(CODEBOOK) || isNamed(CODEBOOK, coldStart);
  return { parameters, fresh, emptyCodebook };
}

/** Counts and sums of the moving averages; the codebook itself is one of the network's parameters. */
function quantizerBuffers(c: WhisperVqConfig & TokenizerConfig): InitialParameter[] {
  if (c.quantize_ema_decay === null) return [];
  const size = c.quantize_vocab_size as number;
  const [counts, sums] = QUANTIZER_BUFFERS as [string, string];
  return [
    { name: counts, shape: [size], values: new Float32Array(size) },
    { name: sums, shape: [size, c.d_model], values: new Float32Array(size * c.d_model) },
  ];
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
