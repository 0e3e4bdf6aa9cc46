/** Stage `codebook`: z-normalisation and k-means on the encoder's states; writes models/base/tokenizer. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRuntime, float32ToFloat16 } from "@uat/graph";
import { Random } from "@uat/training";
import {
  directoryFiles,
  type LazyTensor,
  openSafetensorsModel,
  readFloat32,
  stripPrefix,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { encoderStates } from "./encoder-states.ts";
import { assignOnEngine } from "./engine.ts";
import { kMeans } from "./kmeans.ts";
import { Moments } from "./moments.ts";
import { makeSegments } from "./segments.ts";
import { Shard } from "./shard.ts";
import { CODEBOOK_SIZE, PREPROCESSOR_CONFIG, TOKENIZER_CONFIG } from "./tokenizer-config.ts";

const bytesOf = (a: Float32Array | Uint16Array): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength);

export async function fitCodebook(options: {
  whisper: string;
  shard: string;
  out: string;
  log: (line: string) => void;
}): Promise<void> {
  const { log } = options;
  const runtime = await createRuntime({ onWarning: log });
  const shard = await Shard.open(options.shard);
  const { states, rows } = await encoderStates(
    runtime,
    options.whisper,
    shard,
    makeSegments(shard.clips, new Random(7)),
    log,
  );
  await shard.close();
  const d = TOKENIZER_CONFIG.d_model;

  const moments = new Moments(d);
  moments.add(states, rows);
  const { mean, std } = moments.finish();
  for (let i = 0; i < states.length; i++) {
    const j = i % d;
    states[i] = ((states[i] as number) - (mean[j] as number)) / (std[j] as number);
  }

  const { centroids, counts } = await kMeans(states, rows, {
    k: CODEBOOK_SIZE,
    dimension: d,
    assign: await assignOnEngine(runtime, CODEBOOK_SIZE, d),
    iterations: 14,
    batchRows: 2048,
    seed: 1,
    onIteration: ({ iteration, distortion, empty }) =>
      log(`  k-means ${iteration}: mean squared distance ${(distortion / d).toFixed(4)} a dimension, ${empty} empty`),
  });
  log(`  codes in use on the training audio: ${counts.filter((n) => n > 0).length} of ${CODEBOOK_SIZE}`);
  await runtime.dispose();

  const tensors = new Map<string, LazyTensor>();
  const half = (values: Float32Array, shape: readonly number[]): LazyTensor => ({
    dtype: "F16",
    shape,
    data: () => bytesOf(float32ToFloat16(values)),
  });
  const encoder = stripPrefix(await openSafetensorsModel(directoryFiles(options.whisper), "model"), "model.encoder.");
  for (const name of encoder.names()) {
    const layer = /^layers\.(\d+)\./.exec(name)?.[1];
    if (name.startsWith("layer_norm") || (layer !== undefined && Number(layer) >= TOKENIZER_CONFIG.quantize_position))
      continue;
    tensors.set(name, half(await readFloat32(encoder, name), encoder.info(name)?.shape ?? []));
  }
  tensors.set("codebook.weight", half(centroids, [CODEBOOK_SIZE, d]));
  tensors.set("quantize_mean", { dtype: "F32", shape: [d], data: () => bytesOf(mean) });
  tensors.set("quantize_std", { dtype: "F32", shape: [d], data: () => bytesOf(std) });
  mkdirSync(options.out, { recursive: true });
  await writeSafetensorsFile(join(options.out, "model.safetensors"), tensors);
  writeFileSync(join(options.out, "config.json"), `${JSON.stringify(TOKENIZER_CONFIG, null, 2)}\n`);
  writeFileSync(join(options.out, "preprocessor_config.json"), `${JSON.stringify(PREPROCESSOR_CONFIG, null, 2)}\n`);
}
