/** Stage `model-sap`: models/base-sap, the reader with the hash of the codebook whose codes it reads, and the words it weighs. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { float32ToFloat16 } from "@uat/graph";
import {
  codebookHash,
  directoryFiles,
  type LazyTensor,
  openSafetensorsModel,
  readCodesReaderConfig,
  readFloat32,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";
import { writeWhole } from "../stages/write-whole.ts";

export async function packReader(options: {
  /** A folder with tokenizer/. */
  tokenizer: string;
  /** A training checkpoint. */
  checkpoint: string;
  /** How often each word and pair of words was counted. */
  words: readonly (readonly [text: string, count: number])[];
  /** Logit above which a sound is named. */
  eventThreshold: number;
  out: string;
}): Promise<void> {
  const { tokenizer, checkpoint, out, eventThreshold: event_threshold } = options;
  const codec = await openSafetensorsModel(directoryFiles(join(tokenizer, "tokenizer")), "model");
  const codebook_sha256 = await codebookHash(await readFloat32(codec, "codebook.weight"));
  await codec.close();
  const files = directoryFiles(join(checkpoint, "reader"));
  const config = await readCodesReaderConfig(files, "config.json");
  const store = await openSafetensorsModel(files, "model");
  const tensors = new Map<string, LazyTensor>();
  for (const name of store.names()) {
    const values = float32ToFloat16(await readFloat32(store, name));
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    tensors.set(name, { dtype: "F16", shape: store.info(name)!.shape, data: () => bytes });
  }
  await store.close();
  mkdirSync(out, { recursive: true });
  await writeSafetensorsFile(join(out, "model.safetensors"), tensors);
  writeWhole(join(out, "config.json"), `${JSON.stringify({ ...config, event_threshold, codebook_sha256 }, null, 2)}\n`);
  writeWhole(join(out, "words.txt"), `${options.words.map(([text, count]) => `${text}\t${count}`).join("\n")}\n`);
}
