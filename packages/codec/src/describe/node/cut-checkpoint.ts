/** Writes a Whisper or training checkpoint with a smaller vocabulary: to train from, or to ship. */
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { z } from "zod";
import { validated } from "../../checkpoint/config/validate.ts";
import { CheckpointError } from "../../checkpoint/errors.ts";
import { type ModelFiles, readJson } from "../../checkpoint/model-files.ts";
import { uniqueSuffix, writeError } from "../../checkpoint/node/hub-cache.ts";
import { writeSafetensorsFile } from "../../checkpoint/node/safetensors-file.ts";
import { openSafetensorsModel } from "../../checkpoint/safetensors.ts";
import type { LazyTensor } from "../../checkpoint/safetensors-writer.ts";
import { ITEM_BYTES, type TensorInfo, type TensorStore } from "../../checkpoint/tensor-store.ts";
import { type CutOptions, cutVocabulary, gatherRows, renumberTokenIds } from "../cut-vocabulary.ts";

/** The tied embedding, and the output layer where it is stored beside it. */
const VOCABULARY_ROWS = /(^|\.)(embed_tokens|proj_out)\.weight$/;

/** Written again with other ids; copied as they are. */
const CONFIGURATIONS = ["config.json", "generation_config.json"];
const COPIED = ["preprocessor_config.json"];

const anyObject = z.record(z.string(), z.unknown(), "expected a JSON object");

/**
 * Writes config.json, generation_config.json and preprocessor_config.json (where there are such), tokenizer.json and
 * model.safetensors to a new folder, with the bytes and the first `merges` merges as vocabulary.
 * @param files a checkpoint in Hugging Face's layout with tokenizer.json.
 * @param directory below which it lies in `files`: "" or `tokenizer`.
 * @param folder made; it appears when all is written.
 * @returns ids of the new vocabulary.
 * @throws CheckpointError when the checkpoint is unfit, `folder` exists or cannot be written.
 */
export async function cutCheckpoint(
  files: ModelFiles,
  directory: string,
  folder: string,
  merges: number,
  keep?: CutOptions["keep"],
): Promise<number> {
  const at = (name: string) => (directory ? `${directory}/${name}` : name);
  const file = at("tokenizer.json");
  const { tokenizerJson, rows } = cutVocabulary(await readJson(files, file), merges, { keep, file });
  const store = await openSafetensorsModel(files, at("model"));
  const temporary = join(dirname(folder), `.${basename(folder)}.${uniqueSuffix()}`);
  try {
    const tensors = cutTensors(store, rows);
    await mkdir(temporary, { recursive: true });
    for (const name of CONFIGURATIONS)
      if (await files.exists(at(name))) {
        const config = validated(anyObject, await readJson(files, at(name)), at(name));
        await writeFile(join(temporary, name), `${JSON.stringify(renumberTokenIds(config, rows), null, 2)}\n`);
      }
    for (const name of COPIED)
      if (await files.exists(at(name))) await writeFile(join(temporary, name), await files.text(at(name)));
    await writeFile(join(temporary, "tokenizer.json"), JSON.stringify(tokenizerJson));
    await writeSafetensorsFile(join(temporary, "model.safetensors"), tensors);
    await rename(temporary, folder);
  } catch (cause) {
    throw writeError(folder, cause);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await store.close();
  }
  return rows.length;
}

function cutTensors(store: TensorStore, rows: Int32Array): Map<string, LazyTensor> {
  const last = rows.at(-1) ?? -1;
  let found = false;
  const tensors = new Map<string, LazyTensor>();
  for (const name of store.names()) {
    const { dtype, shape } = store.info(name) as TensorInfo;
    if (!VOCABULARY_ROWS.test(name)) {
      tensors.set(name, { dtype, shape, data: () => store.read(name) });
      continue;
    }
    const [count, width] = shape as [number, number];
    if (shape.length !== 2 || count <= last)
      throw new CheckpointError(
        `${name} has shape [${shape}]; expected at least ${last + 1} rows, one for each id of tokenizer.json`,
      );
    found = true;
    const rowBytes = width * ITEM_BYTES[dtype];
    tensors.set(name, {
      dtype,
      shape: [rows.length, width],
      data: async () => gatherRows(await store.read(name), rowBytes, rows),
    });
  }
  if (!found) throw new CheckpointError("the checkpoint has no decoder.embed_tokens.weight; expected a whole Whisper");
  return tensors;
}
