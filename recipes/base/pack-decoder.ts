/** Stage `model`: models/base in the official layout, float16: the packed tokeniser, the flow and the vocoder. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  directoryFiles,
  type FlowConfig,
  openDecoderWeights,
  openVocoderWeights,
  parseDecoderConfig,
  type TensorStore,
} from "universal-audio-tokenizer/internal";
import { writeDecoder } from "../../packages/training/src/systems/decoder-files.ts";

export async function packDecoder(options: {
  /** A folder with tokenizer/. */
  tokenizer: string;
  /** Training checkpoints. */
  flow: string;
  vocoder: string;
  /** Euler steps; with 0 the mel is what the flow's encoder foretells. */
  steps: number;
  out: string;
}): Promise<void> {
  const { tokenizer, out } = options;
  mkdirSync(join(out, "tokenizer"), { recursive: true });
  for (const name of ["config.json", "preprocessor_config.json", "model.safetensors"])
    copyFileSync(join(tokenizer, "tokenizer", name), join(out, "tokenizer", name));
  const [flowFiles, vocoderFiles] = [directoryFiles(options.flow), directoryFiles(options.vocoder)];
  const flow = await openDecoderWeights(flowFiles, "decoder", "flow");
  const hift = await openVocoderWeights(vocoderFiles, "decoder");
  const trained = parseDecoderConfig(await flowFiles.text("decoder/config.yaml"));
  const { hift: voice } = parseDecoderConfig(await vocoderFiles.text("decoder/config.yaml"));
  const { steps } = options;
  const config = { ...trained, flow: withSteps(trained.flow, steps), hift: voice };
  // without steps nothing asks for the estimator
  const kept = steps > 0 ? flow : without(flow, /^decoder\./);
  await writeDecoder(join(out, "decoder"), config, { flow: kept, hift, storage: "fp16" });
  await flow.close();
  await hift.close();
}

function withSteps(flow: FlowConfig, steps: number): FlowConfig {
  const cfm_params = { ...flow.decoder.cfm_params, steps };
  return { ...flow, decoder: { ...flow.decoder, cfm_params } };
}

const without = (store: TensorStore, left: RegExp): TensorStore => ({
  names: () => [...store.names()].filter((name) => !left.test(name)),
  info: (name) => store.info(name),
  read: (name) => store.read(name),
  locate: (name) => store.locate(name),
  close: () => store.close(),
});
