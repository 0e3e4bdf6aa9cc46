/** Stage `model`: models/base in the official layout, float16: the packed tokeniser, the flow and the vocoder. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  directoryFiles,
  openDecoderWeights,
  openVocoderWeights,
  parseDecoderConfig,
} from "universal-audio-tokenizer/internal";
import { writeDecoder } from "../../packages/training/src/systems/decoder-files.ts";

export async function packDecoder(options: {
  /** A folder with tokenizer/. */
  tokenizer: string;
  /** Training checkpoints. */
  flow: string;
  vocoder: string;
  out: string;
}): Promise<void> {
  const { tokenizer, out } = options;
  mkdirSync(join(out, "tokenizer"), { recursive: true });
  for (const name of ["config.json", "preprocessor_config.json", "model.safetensors"])
    copyFileSync(join(tokenizer, "tokenizer", name), join(out, "tokenizer", name));
  const [flowFiles, vocoderFiles] = [directoryFiles(options.flow), directoryFiles(options.vocoder)];
  const flow = await openDecoderWeights(flowFiles, "decoder", "flow");
  const hift = await openVocoderWeights(vocoderFiles, "decoder");
  const config = {
    ...parseDecoderConfig(await flowFiles.text("decoder/config.yaml")),
    hift: parseDecoderConfig(await vocoderFiles.text("decoder/config.yaml")).hift,
  };
  await writeDecoder(join(out, "decoder"), config, { flow, hift, storage: "fp16" });
  await flow.close();
  await hift.close();
}
