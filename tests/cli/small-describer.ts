/**
 * A tokenizer with a text decoder, trained for a few steps by the built command, then made talkative: enough to describe,
 * not to be right.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import {
  directoryFiles,
  openSafetensorsModel,
  readFloat32,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { uat } from "./run-uat.ts";

/** @returns the path of a checkpoint below `folder`. */
export async function smallDescriber(folder: string, seed: number): Promise<string> {
  const place = join(folder, `clips-${seed}`);
  mkdirSync(place, { recursive: true });
  const rows = Array.from({ length: 4 }, (_, i) => {
    const samples = Float32Array.from(
      { length: 8000 },
      (_, n) => 0.3 * Math.sin((2 * Math.PI * 200 * (i + 1) * n) / 16000),
    );
    writeFileSync(join(place, `${i}.wav`), encodeWav([samples], 16000));
    return { path: `${i}.wav`, text: ["one", "two", "three", "four"][i], task: i % 2 ? "asr" : "caption" };
  });
  writeFileSync(join(place, "list.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const config = {
    system: "tokenizer",
    seed,
    steps: 3,
    batch_size: 2,
    save_every: 3,
    evaluate_every: 0,
    workers: 0,
    threads: 1,
    model: {
      tokenizer: "bytes",
      config: {
        d_model: 16,
        encoder_layers: 3,
        encoder_attention_heads: 2,
        encoder_ffn_dim: 32,
        decoder_layers: 2,
        decoder_attention_heads: 2,
        decoder_ffn_dim: 32,
        max_target_positions: 256,
        pooling_kernel_size: 2,
        pooling_type: "avg",
        pooling_position: 0,
        quantize_vocab_size: 32,
        quantize_position: 2,
        quantize_normalization: null,
      },
    },
    data: { train: [{ manifest: `clips-${seed}/list.jsonl` }], max_seconds: 1 },
  };
  const path = join(folder, `describer-${seed}.yaml`);
  writeFileSync(path, JSON.stringify(config));
  const out = join(folder, `run-${seed}`);
  const { code, stderr } = await uat(["train", path, "--out", out, "--quiet"]);
  if (code !== 0) throw new Error(`training failed: ${stderr}`);
  const checkpoint = join(out, "checkpoint-3");
  await amplify(join(checkpoint, "tokenizer"));
  return checkpoint;
}

/** A fresh decoder says one byte for ever: its positions and what it hears are made to matter more. */
async function amplify(folder: string): Promise<void> {
  const store = await openSafetensorsModel(directoryFiles(folder), "model");
  const factors: readonly [RegExp, number][] = [
    [/decoder\.embed_positions/, 400],
    [/encoder_attn\.(v_proj|out_proj)\.weight$/, 3],
  ];
  const loud = (name: string) => factors.find(([pattern]) => pattern.test(name))?.[1] ?? 1;
  const tensors = new Map<string, { dtype: "F32"; shape: readonly number[]; data: () => Uint8Array }>();
  for (const name of store.names()) {
    const values = (await readFloat32(store, name)).map((value) => value * loud(name));
    const shape = store.info(name)?.shape ?? [];
    tensors.set(name, { dtype: "F32", shape, data: () => new Uint8Array(values.buffer) });
  }
  await store.close();
  await writeSafetensorsFile(join(folder, "model.safetensors"), tensors);
}
