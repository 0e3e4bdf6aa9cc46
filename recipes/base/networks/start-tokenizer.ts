/**
 * Stage `start`: the checkpoint that the tokeniser's training starts from. Layers are Whisper's; the residual (SAE) is
 * fresh; its layer norm makes every dimension of what is searched zero-mean and of unit deviation, without which one of
 * Whisper's dimensions holds four fifths of the variance; the codebook is k-means on that.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRuntime } from "@uat/graph";
import { Random } from "@uat/training";
import {
  directoryFiles,
  type LazyTensor,
  openSafetensorsModel,
  readFloat32,
  type TensorStore,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { encoderStates } from "../codebook/encoder-states.ts";
import { assignOnEngine } from "../codebook/engine.ts";
import { kMeans } from "../codebook/kmeans.ts";
import { Moments } from "../codebook/moments.ts";
import { shardPieces } from "../codebook/pieces.ts";
import { Shard } from "../codebook/shard.ts";
import { CODEBOOK_SIZE, PREPROCESSOR_CONFIG, TOKENIZER_CONFIG, tokenizerConfig } from "./tokenizer-config.ts";

const ENCODER = "model.encoder.";
const NORM = "residual_output_norm";

type Tensors = Map<string, { shape: readonly number[]; values: Float32Array }>;

export interface StartOptions {
  /** Whisper base, as `convert` makes it. */
  whisper: string;
  shard: string;
  out: string;
  /** Minutes of audio for the statistics and k-means. */
  minutes: number;
  iterations: number;
  log: (line: string) => void;
}

export async function startTokenizer({ whisper, shard, out, minutes, iterations, log }: StartOptions): Promise<void> {
  const store = await openSafetensorsModel(directoryFiles(whisper), "model");
  const tensors = await encoderTensors(store);
  await store.close();
  const runtime = await createRuntime({ onWarning: log });
  const audio = await Shard.open(shard);
  const { states, rows } = await encoderStates(
    runtime,
    (name) => {
      const tensor = tensors.get(name);
      return tensor && { dtype: "F32", shape: tensor.shape, read: async () => bytesOf(tensor.values) };
    },
    { ...tokenizerConfig(), quantize_vocab_size: null },
    "fused",
    shardPieces(audio, minutes, 7),
    log,
  );
  await audio.close();

  const d = TOKENIZER_CONFIG.d_model;
  const moments = new Moments(d);
  moments.add(states, rows);
  const { mean, std } = moments.finish();
  for (let i = 0; i < states.length; i++) states[i] = (states[i]! - mean[i % d]!) / std[i % d]!;
  tensors.set(`${NORM}.weight`, { shape: [d], values: std.map((s) => 1 / s) });
  tensors.set(`${NORM}.bias`, { shape: [d], values: mean.map((m, i) => -m / std[i]!) });

  const { centroids } = await kMeans(states, rows, {
    k: CODEBOOK_SIZE,
    dimension: d,
    assign: await assignOnEngine(runtime, CODEBOOK_SIZE, d),
    iterations,
    batchRows: 2048,
    seed: 1,
    onIteration: ({ iteration, distortion, empty }) =>
      log(`  k-means ${iteration}: mean squared distance ${(distortion / d).toFixed(4)} a dimension, ${empty} empty`),
  });
  await runtime.dispose();
  // as many frames as a code sees in a step of 2,000
  const count = 0.25;
  tensors.set("codebook.weight", { shape: [CODEBOOK_SIZE, d], values: centroids });
  tensors.set("ema_count", { shape: [CODEBOOK_SIZE], values: new Float32Array(CODEBOOK_SIZE).fill(count) });
  tensors.set("ema_weight", { shape: [CODEBOOK_SIZE, d], values: centroids.map((c) => c * count) });

  const folder = join(out, "tokenizer");
  mkdirSync(folder, { recursive: true });
  const lazy = new Map<string, LazyTensor>();
  for (const [name, { shape, values }] of tensors)
    lazy.set(`${ENCODER}${name}`, { dtype: "F32", shape, data: () => bytesOf(values) });
  await writeSafetensorsFile(join(folder, "model.safetensors"), lazy);
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(TOKENIZER_CONFIG, null, 2)}\n`);
  writeFileSync(join(folder, "preprocessor_config.json"), `${JSON.stringify(PREPROCESSOR_CONFIG, null, 2)}\n`);
  copyFileSync(join(whisper, "tokenizer.json"), join(folder, "tokenizer.json"));
}

const bytesOf = (a: Float32Array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

/** Whisper's encoder with a fresh residual. */
async function encoderTensors(store: TensorStore): Promise<Tensors> {
  const tensors: Tensors = new Map();
  const d = TOKENIZER_CONFIG.d_model;
  for (const full of store.names()) {
    if (!full.startsWith(ENCODER)) continue;
    const shape = store.info(full)?.shape ?? [];
    tensors.set(full.slice(ENCODER.length), { shape, values: await readFloat32(store, full) });
  }
  const random = new Random(3);
  const linear = (name: string, outputs: number, inputs: number, scale: number) => {
    const bound = scale / Math.sqrt(inputs);
    const values = Float32Array.from({ length: outputs * inputs }, () => random.uniform(-bound, bound));
    tensors.set(`${name}.weight`, { shape: [outputs, inputs], values });
    tensors.set(`${name}.bias`, { shape: [outputs], values: new Float32Array(outputs) });
  };
  linear("residual_adapter.0", d, d, Math.sqrt(3));
  linear("residual_adapter.3", d, d, Math.sqrt(3));
  linear("residual_gate.0", d, 2 * d, 1);
  linear("residual_gate.2", d, d, 1);
  tensors.set(`${NORM}.weight`, { shape: [d], values: new Float32Array(d).fill(1) });
  tensors.set(`${NORM}.bias`, { shape: [d], values: new Float32Array(d) });
  return tensors;
}
