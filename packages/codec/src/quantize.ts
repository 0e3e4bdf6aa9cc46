/** Models with int8 weights on disk: the tokeniser of a model, and the describer of a training checkpoint. */
import { z } from "zod";
import { validated } from "./checkpoint/config/validate.ts";
import { CheckpointError } from "./checkpoint/errors.ts";
import { int8Tensors } from "./checkpoint/int8-weights.ts";
import { type ModelFiles, readJson } from "./checkpoint/model-files.ts";
import { parametersOf } from "./checkpoint/parameters.ts";
import { type LazyTensor, streamSafetensors } from "./checkpoint/safetensors-writer.ts";
import { readFloat32, type TensorInfo, type TensorStore } from "./checkpoint/tensor-store.ts";
import { codebookHash } from "./describe/codebook-hash.ts";
import { cutVocabulary, renumberTokenIds } from "./describe/cut-vocabulary.ts";
import { FIRST_TOKENS } from "./describe/describe-tasks.ts";
import { describerFolder, openDescriber } from "./describe/describer-files.ts";
import { describerGraphs } from "./describe/text-generator.ts";
import { TokenizerError } from "./errors.ts";
import type { ExportedFile, OpenExportFile } from "./export.ts";
import { int8Weights, tokenizerGraph } from "./tokenizers/whisper-vq-tokenizer.ts";

const anyObject = z.record(z.string(), z.unknown(), "expected a JSON object");

/**
 * Writes `tokenizer/` of a model with the linear layers of its encoder in int8, but for the modules that the checkpoint
 * keeps in float (`modules_to_not_convert`); what tokenising does not need is left out.
 * @returns the files written, below `tokenizer/`.
 * @throws TokenizerError when the model has no tokeniser; CheckpointError and GraphError for a damaged one.
 */
export async function quantizeTokenizer(files: ModelFiles, open: OpenExportFile): Promise<ExportedFile[]> {
  const folder = (await files.exists("tokenizer/config.json")) ? "tokenizer" : "";
  if (!folder && !(await files.exists("config.json")))
    throw new TokenizerError(`${files.source}: holds no tokeniser; expected tokenizer/config.json`);
  const { graph, config, store } = await tokenizerGraph(files, folder);
  try {
    const isInt8 = int8Weights(config);
    const tensors = new Map<string, LazyTensor>();
    for (const [name, { data }] of graph.parameters)
      for (const [key, tensor] of isInt8(name) && data.shape.length === 2
        ? int8Tensors(store, name)
        : [copied(store, name)])
        tensors.set(key, tensor);
    const written = [await writeTensors(open, "tokenizer/model.safetensors", tensors)];
    for (const name of ["config.json", "preprocessor_config.json"]) {
      const from = folder ? `${folder}/${name}` : name;
      written.push(await writeText(open, `tokenizer/${name}`, await files.text(from)));
    }
    return written;
  } finally {
    await store.close();
  }
}

export interface PackOptions {
  /** How many merges of the vocabulary stay; all by default. */
  readonly vocabulary?: number | undefined;
}

/**
 * Writes the describer of a training checkpoint as a pack (docs/describe.md): linear layers and embedding in int8, all
 * else as it is stored; of the special tokens those that begin and end an answer.
 * @returns the files written.
 * @throws CheckpointError and GraphError when the checkpoint has no text decoder, is a pack already, or is damaged.
 */
export async function packDescriber(
  files: ModelFiles,
  open: OpenExportFile,
  { vocabulary = Number.MAX_SAFE_INTEGER }: PackOptions = {},
): Promise<ExportedFile[]> {
  const describer = await openDescriber(files);
  const { store } = describer;
  try {
    if (describer.kind === "reader")
      throw new CheckpointError(`${files.source}: holds a reader, which is small as it is; use its folder`);
    const { config } = describer;
    const { folder } = (await describerFolder(files)) as { folder: string };
    const at = (name: string) => (folder ? `${folder}/${name}` : name);
    if (store.info("model.encoder.codebook.weight") === undefined)
      throw new CheckpointError(`${files.source}: has no codebook; expected a checkpoint of uat train, not a pack`);
    const hash = await codebookHash(await readFloat32(store, "model.encoder.codebook.weight"));
    if (hash === undefined) throw new CheckpointError("this platform has no SHA-256; make packs in Node");
    const kept = new Set(["<|endoftext|>", ...Object.values(FIRST_TOKENS)]);
    const file = at("tokenizer.json");
    const { tokenizerJson, rows } = cutVocabulary(await readJson(files, file), vocabulary, {
      keep: (content) => kept.has(content),
      file,
    });
    const tensors = new Map<string, LazyTensor>();
    for (const graph of describerGraphs(parametersOf(store), config))
      for (const [name, { data }] of graph.parameters) {
        if (name === "model.encoder.codebook.weight") continue;
        const isEmbedding = name === "model.decoder.embed_tokens.weight";
        const isLinear = data.shape.length === 2 && !name.includes("embed_positions");
        for (const [key, tensor] of isLinear
          ? int8Tensors(store, name, isEmbedding ? rows : undefined)
          : [copied(store, name)])
          tensors.set(key, tensor);
      }
    const json = {
      ...renumberTokenIds(validated(anyObject, await readJson(files, at("config.json")), at("config.json")), rows),
      codebook_sha256: hash,
    };
    return [
      await writeTensors(open, "model.safetensors", tensors),
      await writeText(open, "tokenizer.json", JSON.stringify(tokenizerJson)),
      await writeText(open, "config.json", `${JSON.stringify(json, null, 2)}\n`),
    ];
  } finally {
    await store.close();
  }
}

function copied(store: TensorStore, name: string): [string, LazyTensor] {
  const { dtype, shape } = store.info(name) as TensorInfo;
  return [name, { dtype, shape, data: () => store.read(name) }];
}

async function writeTensors(
  open: OpenExportFile,
  path: string,
  tensors: ReadonlyMap<string, LazyTensor>,
): Promise<ExportedFile> {
  const file = await open(path);
  let bytes = 0;
  await streamSafetensors(tensors, async (chunk) => {
    bytes += chunk.byteLength;
    await file.write(chunk);
  });
  return { path, bytes };
}

async function writeText(open: OpenExportFile, path: string, text: string): Promise<ExportedFile> {
  const bytes = new TextEncoder().encode(text);
  await (await open(path)).write(bytes);
  return { path, bytes: bytes.length };
}
