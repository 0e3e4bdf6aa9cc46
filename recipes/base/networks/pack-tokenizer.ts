/**
 * Stage `pack`: the tokeniser of models/base from a training checkpoint. Kept is what tokenising needs, in float16; the
 * codebook is first fitted once more, by k-means from where training left it, to the states of the encoder as it is
 * stored.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRuntime, float16ToFloat32, float32ToFloat16 } from "@uat/graph";
import {
  directoryFiles,
  type LazyTensor,
  openSafetensorsModel,
  parseWhisperVqConfig,
  readFloat32,
  readJson,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { encoderStates } from "../codebook/encoder-states.ts";
import { assignOnEngine } from "../codebook/engine.ts";
import { kMeans } from "../codebook/kmeans.ts";
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
  shard: string;
  /** Minutes of audio for k-means: of the shard, and of lists of clips. */
  minutes: { shard: number; lists: Readonly<Record<string, number>> };
  iterations: number;
  out: string;
  log: (line: string) => void;
}

export async function packTokenizer(options: PackTokenizerOptions): Promise<void> {
  const { checkpoint, iterations, out, log } = options;
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

  const d = config.d_model;
  const codebook = tensors.get("codebook.weight") as { shape: readonly number[]; values: Uint16Array };
  if (iterations > 0) {
    const runtime = await createRuntime({ onWarning: log });
    const shard = await Shard.open(options.shard);
    const pieces = [
      ...shardPieces(shard, options.minutes.shard, 8),
      ...Object.entries(options.minutes.lists).flatMap(([list, minutes]) => listPieces(list, minutes, 8)),
    ];
    const { states, rows } = await encoderStates(
      runtime,
      (name) => {
        const tensor = tensors.get(name);
        return tensor && { dtype: "F16", shape: tensor.shape, read: async () => bytesOf(tensor.values) };
      },
      config,
      "searched",
      pieces,
      log,
    );
    await shard.close();
    const k = config.quantize_vocab_size as number;
    const { centroids, counts } = await kMeans(states, rows, {
      k,
      dimension: d,
      start: float16ToFloat32(codebook.values),
      assign: await assignOnEngine(runtime, k, d),
      iterations,
      batchRows: 2048,
      seed: 2,
      onIteration: ({ iteration, distortion, empty }) =>
        log(`  k-means ${iteration}: mean squared distance ${(distortion / d).toFixed(4)} a dimension, ${empty} empty`),
    });
    log(`  codes in use: ${counts.filter((n) => n > 0).length} of ${k}`);
    await runtime.dispose();
    tensors.set("codebook.weight", { shape: codebook.shape, values: float32ToFloat16(centroids) });
  }

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
