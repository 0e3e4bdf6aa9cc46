/**
 * Stage `start-describer`: the checkpoint that the training of what describes clips starts from: the packed tokeniser, the
 * layers after its quantiser as training left them, and Whisper's text decoder with a smaller vocabulary.
 */
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  cutCheckpoint,
  directoryFiles,
  type LazyTensor,
  openSafetensorsModel,
  readFloat32,
  readJson,
  writeSafetensorsFile,
} from "universal-audio-tokenizer/internal";

/** Merges of Whisper's byte pairs that are kept: the commonest, which English needs. */
const MERGES = 8192;

export async function startDescriber(options: {
  whisper: string;
  /** Where Whisper with the smaller vocabulary goes. */
  cut: string;
  /** A folder with tokenizer/, as `pack` makes it. */
  packed: string;
  /** The training checkpoint that it was made of. */
  checkpoint: string;
  out: string;
}): Promise<void> {
  const { cut, out } = options;
  // timestamps are never written
  const isKept = (content: string) => !/^<\|\d+\.\d\d\|>$/.test(content);
  if (!existsSync(cut)) await cutCheckpoint(directoryFiles(options.whisper), "", cut, MERGES, isKept);
  const text = await openSafetensorsModel(directoryFiles(cut), "model");
  const packed = await openSafetensorsModel(directoryFiles(join(options.packed, "tokenizer")), "model");
  const trained = await openSafetensorsModel(directoryFiles(join(options.checkpoint, "tokenizer")), "model");
  const tensors = new Map<string, LazyTensor>();
  const put = async (store: typeof text, name: string, as = name) => {
    const values = await readFloat32(store, name);
    const data = () => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    tensors.set(as, { dtype: "F32", shape: store.info(name)?.shape ?? [], data });
  };
  for (const name of trained.names()) {
    const own = name.replace("model.encoder.", "");
    if (name.startsWith("model.encoder.") && !packed.info(own) && !/^(ema_|codebook_used)/.test(own))
      await put(trained, name);
  }
  for (const name of packed.names()) await put(packed, name, `model.encoder.${name}`);
  for (const name of text.names()) if (!name.startsWith("model.encoder.")) await put(text, name);
  const folder = join(out, "tokenizer");
  mkdirSync(folder, { recursive: true });
  await writeSafetensorsFile(join(folder, "model.safetensors"), tensors);
  await Promise.all([text.close(), packed.close(), trained.close()]);
  const files = directoryFiles(join(options.checkpoint, "tokenizer"));
  const config = (await readJson(files, "config.json")) as Record<string, unknown>;
  const words = (await readJson(directoryFiles(cut), "config.json")) as Record<string, unknown>;
  // the codebook is what it is from here on
  const fixed = { quantize_ema_decay: null, quantize_restart_interval: null, use_commit_loss: false };
  const merged = { ...config, ...fixed, vocab_size: words.vocab_size };
  writeFileSync(join(folder, "config.json"), `${JSON.stringify(merged, null, 2)}\n`);
  copyFileSync(join(options.packed, "tokenizer", "preprocessor_config.json"), join(folder, "preprocessor_config.json"));
  copyFileSync(join(cut, "tokenizer.json"), join(folder, "tokenizer.json"));
}
