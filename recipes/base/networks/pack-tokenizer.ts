/**
 * Stage `pack`: the tokeniser of models/base from a training checkpoint. Kept is what tokenising needs, in float16. Codes
 * that training left unused are given to states of speech and of sounds, drawn at random. The others stay where training
 * put them: k-means would even out their use a little better, but training has gathered the states around these very
 * centroids, away from the borders between them, and that is what keeps codes steady under noise.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRuntime, float16ToFloat32, float32ToFloat16, type ParameterSource } from "@uat/graph";
import { Random } from "@uat/training";
import {
  directoryFiles,
  type LazyTensor,
  openSafetensorsModel,
  parseWhisperVqConfig,
  readFloat32,
  readJson,
  type WhisperVqConfig,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { encoderStates } from "../codebook/encoder-states.ts";
import { assignOnEngine } from "../codebook/engine.ts";
import { listPieces, shardPieces } from "../codebook/pieces.ts";
import { Shard } from "../codebook/shard.ts";
import { PREPROCESSOR_CONFIG } from "./tokenizer-config.ts";

const ENCODER = "model.encoder.";
/** Fields that say what the stored file is, or that only training reads. */
const NOT_KEPT =
  /^(architectures|torch_dtype|vocab_size|.*_token_id|suppress_tokens|begin_suppress_tokens|is_encoder_decoder)$/;

export interface PackTokenizerOptions {
  /** Folder of a training checkpoint. */
  checkpoint: string;
  /** Kinds of sound that share in the unused codes; the shares add up to 1. */
  kinds: readonly CodebookKind[];
  out: string;
  log: (line: string) => void;
}

export interface CodebookKind {
  /** Of the unused codes. */
  share: number;
  /** Minutes of audio that states are taken from: of shards, and of lists of clips. */
  shards: Readonly<Record<string, number>>;
  lists: Readonly<Record<string, number>>;
}

export async function packTokenizer(options: PackTokenizerOptions): Promise<void> {
  const { checkpoint, out } = options;
  const files = directoryFiles(join(checkpoint, "tokenizer"));
  const json = (await readJson(files, "config.json")) as Record<string, unknown>;
  const config = parseWhisperVqConfig(json, "config.json");
  const store = await openSafetensorsModel(files, "model");
  const tensors = new Map<string, { shape: readonly number[]; values: Uint16Array }>();
  for (const full of store.names()) {
    const name = full.startsWith(ENCODER) ? full.slice(ENCODER.length) : undefined;
    const layer = /^layers\.(\d+)\./.exec(name ?? "")?.[1];
    const isLater = layer !== undefined && Number(layer) >= config.quantize_position;
    if (name === undefined || isLater || /^(layer_norm|embed_positions2|ema_|codebook_used)/.test(name)) continue;
    tensors.set(name, {
      shape: store.info(full)?.shape ?? [],
      values: float32ToFloat16(await readFloat32(store, full)),
    });
  }
  await store.close();

  const read = (name: string) => {
    const tensor = tensors.get(name);
    return tensor && { dtype: "F16" as const, shape: tensor.shape, read: async () => bytesOf(tensor.values) };
  };
  const trained = tensors.get("codebook.weight") as { shape: readonly number[]; values: Uint16Array };
  const codebook = await fillCodebook(float16ToFloat32(trained.values), options, config, read);
  tensors.set("codebook.weight", { shape: trained.shape, values: float32ToFloat16(codebook) });

  const folder = join(out, "tokenizer");
  mkdirSync(folder, { recursive: true });
  const lazy = new Map<string, LazyTensor>();
  for (const [name, { shape, values }] of tensors) lazy.set(name, { dtype: "F16", shape, data: () => bytesOf(values) });
  await writeSafetensorsFile(join(folder, "model.safetensors"), lazy);
  const kept = Object.fromEntries(Object.entries(json).filter(([name]) => !NOT_KEPT.test(name)));
  const packed = { architectures: ["WhisperVQEncoder"], ...kept, quantize_encoder_only: true, torch_dtype: "float16" };
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(packed, null, 2)}\n`);
  writeFileSync(join(folder, "preprocessor_config.json"), `${JSON.stringify(PREPROCESSOR_CONFIG, null, 2)}\n`);
}

const bytesOf = (a: Uint16Array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** The codebook [codes, d] with its unused codes on states of the audio. */
async function fillCodebook(
  codebook: Float32Array,
  { kinds, log }: PackTokenizerOptions,
  config: WhisperVqConfig,
  parameters: ParameterSource,
): Promise<Float32Array> {
  const d = config.d_model;
  const runtime = await createRuntime({ onWarning: log });
  const assign = await assignOnEngine(runtime, codebook.length / d, d);
  const used = new Uint8Array(codebook.length / d);
  const states: Float32Array[] = [];
  for (const { shards, lists } of kinds) {
    const pieces = Object.entries(lists).flatMap(([list, minutes]) => listPieces(list, minutes, 8));
    const open: Shard[] = [];
    for (const [path, minutes] of Object.entries(shards)) {
      const shard = await Shard.open(path);
      open.push(shard);
      pieces.push(...shardPieces(shard, minutes, 8));
    }
    const found = await encoderStates(runtime, parameters, config, "searched", pieces, log);
    for (const shard of open) await shard.close();
    states.push(found.states.subarray(0, found.rows * d));
    for (let row = 0; row < found.rows; row += BATCH) {
      const n = Math.min(BATCH, found.rows - row);
      for (const code of (await assign(found.states.subarray(row * d, (row + n) * d), n, codebook)).index)
        used[code] = 1;
    }
  }
  await runtime.dispose();
  const unused = [...used.keys()].filter((code) => used[code] === 0);
  log(`  ${used.length - unused.length} codes in use after training; ${unused.length} are given to states`);
  return giveCodes(
    codebook,
    unused,
    states,
    kinds.map(({ share }) => share),
    d,
  );
}

/**
 * The codebook with codes moved onto rows of `kinds`, each [rows, d], drawn at random; every kind gets its share, the last
 * what is left.
 */
export function giveCodes(
  codebook: Float32Array,
  codes: readonly number[],
  kinds: readonly Float32Array[],
  shares: readonly number[],
  d: number,
): Float32Array {
  const filled = codebook.slice();
  const random = new Random(2);
  let at = 0;
  for (const [kind, states] of kinds.entries()) {
    const end = kind === kinds.length - 1 ? codes.length : at + Math.round(shares[kind]! * codes.length);
    const rows = states.length / d;
    if (rows < end - at) throw new Error(`${rows} states for ${end - at} codes; give more audio`);
    for (const row of random.sample(rows, end - at))
      filled.set(states.subarray(row * d, row * d + d), codes[at++]! * d);
  }
  return filled;
}

/** Rows that are looked up at once. */
const BATCH = 2048;
