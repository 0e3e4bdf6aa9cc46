/**
 * Stage `start-reader`: what the training of the reader starts from: embedding and blocks of the acoustic model, which
 * reads the same codes and has learned from all sounds, not only from those with words. What lies behind them is fresh.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  directoryFiles,
  openDecoderWeights,
  parseAcousticDecoderConfig,
  readFloat32,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { float32Tensors } from "../../../packages/training/src/systems/decoder-files.ts";

export async function startReader(options: {
  /** A training checkpoint. */
  acoustic: string;
  out: string;
}): Promise<void> {
  const files = directoryFiles(options.acoustic);
  const { acoustic: config } = parseAcousticDecoderConfig(await files.text("decoder/config.yaml"));
  const store = await openDecoderWeights(files, "decoder", "acoustic");
  const tensors = [];
  for (const name of store.names())
    if (/^(embedding|input|blocks)\./.test(name))
      tensors.push({ name, shape: store.info(name)!.shape, values: await readFloat32(store, name) });
  await store.close();
  const folder = join(options.out, "reader");
  mkdirSync(folder, { recursive: true });
  const lazy = [...float32Tensors(tensors)].map(([name, t]) => [name, { ...t, data: () => t.data }] as const);
  await writeSafetensorsFile(join(folder, "model.safetensors"), new Map(lazy));
  const { vocab_size, input_frame_rate, input_size, hidden_size, attention_heads, filter_size, kernel_size } = config;
  const fields = { vocab_size, frame_rate: input_frame_rate, input_size, hidden_size, attention_heads };
  const json = { model_type: "codes_reader", ...fields, filter_size, kernel_size };
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(json, null, 2)}\n`);
}
