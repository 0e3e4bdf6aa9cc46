/** Stage `model`: models/base in the official layout, float16: the packed tokeniser, the acoustic model and the vocoder. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  directoryFiles,
  openDecoderWeights,
  openVocoderWeights,
  parseAcousticDecoderConfig,
} from "universal-audio-tokenizer/internal";
import { writeDecoder } from "../../../packages/training/src/systems/decoder-files.ts";

export async function packDecoder(options: {
  /** A folder with tokenizer/. */
  tokenizer: string;
  /** Training checkpoints. */
  acoustic: string;
  vocoder: string;
  out: string;
}): Promise<void> {
  const { tokenizer, out } = options;
  mkdirSync(join(out, "tokenizer"), { recursive: true });
  for (const name of ["config.json", "preprocessor_config.json", "model.safetensors"])
    copyFileSync(join(tokenizer, "tokenizer", name), join(out, "tokenizer", name));
  const [acousticFiles, vocoderFiles] = [directoryFiles(options.acoustic), directoryFiles(options.vocoder)];
  const acoustic = await openDecoderWeights(acousticFiles, "decoder", "acoustic");
  const hift = await openVocoderWeights(vocoderFiles, "decoder");
  const trained = parseAcousticDecoderConfig(await acousticFiles.text("decoder/config.yaml"));
  const { hift: voice } = parseAcousticDecoderConfig(await vocoderFiles.text("decoder/config.yaml"));
  await writeDecoder(join(out, "decoder"), { ...trained, hift: voice }, { acoustic, hift, storage: "fp16" });
  await acoustic.close();
  await hift.close();
}
