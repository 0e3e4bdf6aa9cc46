/**
 * Stage `start-decoder`: what the training of acoustic model and vocoder starts from. The token embedding is the codebook, so that codes which
 * training audio seldom shows lie beside their neighbours.
 */
import { join } from "node:path";
import { directoryFiles, memoryStore, openSafetensorsModel, readFloat32 } from "universal-audio-tokenizer/internal";
import { decoderGeometry } from "../../../packages/training/src/config/decoder-geometry.ts";
import { acousticParameters } from "../../../packages/training/src/systems/acoustic-training.ts";
import { codebookEmbedding } from "../../../packages/training/src/systems/codebook-embedding.ts";
import { float32Tensors, writeDecoder } from "../../../packages/training/src/systems/decoder-files.ts";
import { initialWeights } from "../../../packages/training/src/systems/initial-weights.ts";
import { startVocoder } from "./start-vocoder.ts";

export async function startDecoder(options: {
  /** Checkpoint of the tokeniser, a folder with tokenizer/. */
  tokenizer: string;
  /** Fields of `acoustic` and `hift`, as in `model.config`. */
  fields: Readonly<Record<string, unknown>>;
  out: string;
}): Promise<void> {
  const config = decoderGeometry(undefined, options.fields, "recipes/base");
  if (!("acoustic" in config)) throw new Error("recipes/base: expected the fields of an acoustic model");
  const store = await openSafetensorsModel(directoryFiles(join(options.tokenizer, "tokenizer")), "model");
  const name = [...store.names()].find((n) => n.endsWith("codebook.weight")) as string;
  const codebook = codebookEmbedding(await readFloat32(store, name), store.info(name)!.shape[1]!);
  await store.close();
  // without its last layer, which training starts at the mean mel of its first batch
  const asked = acousticParameters(config.acoustic).filter((parameter) => !parameter.name.startsWith("output."));
  const parameters = [...initialWeights(asked, 1)];
  for (const { name, values } of parameters) {
    if (name === "embedding.weight") values.set(codebook);
  }
  await writeDecoder(join(options.out, "decoder"), config, {
    acoustic: memoryStore(float32Tensors(parameters)),
    hift: memoryStore(float32Tensors(startVocoder(config.hift))),
  });
}
