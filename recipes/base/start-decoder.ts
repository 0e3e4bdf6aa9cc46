/**
 * Stage `start-decoder`: what the training of flow and vocoder starts from. The flow's token embedding is the codebook, so that codes which
 * training audio seldom shows lie beside their neighbours; what is foretold first is the mean mel.
 */
import { join } from "node:path";
import { directoryFiles, memoryStore, openSafetensorsModel, readFloat32 } from "universal-audio-tokenizer/internal";
import { decoderGeometry } from "../../packages/training/src/config/decoder-geometry.ts";
import { float32Tensors, writeDecoder } from "../../packages/training/src/systems/decoder-files.ts";
import { flowParameters } from "../../packages/training/src/systems/flow-training.ts";
import { initialWeights } from "../../packages/training/src/systems/initial-weights.ts";
import { startVocoder } from "./start-vocoder.ts";

/** Mean of log-mels of speech and sounds, natural logarithm. */
const MEAN_LOG_MEL = -6;

export async function startDecoder(options: {
  /** Checkpoint of the tokeniser, a folder with tokenizer/. */
  tokenizer: string;
  /** Fields of `flow` and `hift`, as in `model.config`. */
  fields: Readonly<Record<string, unknown>>;
  out: string;
}): Promise<void> {
  const config = decoderGeometry(undefined, options.fields, "recipes/base");
  const store = await openSafetensorsModel(directoryFiles(join(options.tokenizer, "tokenizer")), "model");
  const name = [...store.names()].find((n) => n.endsWith("codebook.weight")) as string;
  const codebook = await readFloat32(store, name);
  await store.close();
  const parameters = [...initialWeights(flowParameters(config.flow), 1)];
  for (const { name, values } of parameters) {
    if (name === "input_embedding.weight") values.set(codebook);
    // the regulator's last layer
    if (name === "length_regulator.model.12.bias") values.fill(MEAN_LOG_MEL);
    // no velocity at first: the mel is what the encoder foretells
    if (name.startsWith("decoder.estimator.final_proj.")) for (const [i, v] of values.entries()) values[i] = 1e-2 * v;
  }
  await writeDecoder(join(options.out, "decoder"), config, {
    flow: memoryStore(float32Tensors(parameters)),
    hift: memoryStore(float32Tensors(startVocoder(config.hift))),
  });
}
