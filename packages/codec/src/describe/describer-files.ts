/**
 * The files of a describer: a pack in one folder (docs/describe.md), or a checkpoint of `uat train`. What writes has
 * config.json, model.safetensors and tokenizer.json, in a checkpoint in `tokenizer/`; what reads has no tokenizer.json,
 * and lies in `reader/`.
 */
import { z } from "zod";
import {
  isCodesReader,
  parseCodesReaderConfig,
  type ReaderConfig,
  sha256Field,
} from "../checkpoint/config/codes-reader.ts";
import { validated } from "../checkpoint/config/validate.ts";
import { parseWhisperVqConfig } from "../checkpoint/config/whisper-vq.ts";
import { CheckpointError } from "../checkpoint/errors.ts";
import { dequantized, int8Names } from "../checkpoint/int8-weights.ts";
import { type ModelFiles, readJson } from "../checkpoint/model-files.ts";
import { openSafetensorsModel } from "../checkpoint/safetensors.ts";
import type { TensorStore } from "../checkpoint/tensor-store.ts";
import type { DescriberConfig } from "./text-generator.ts";
import { WhisperVocabulary } from "./whisper-vocabulary.ts";
import { WordList } from "./word-list.ts";

/** A describer that writes its answers. */
export interface WriterFiles {
  readonly kind: "writer";
  readonly config: DescriberConfig;
  /** Names as in a training checkpoint (`model.decoder.…`); int8 weights are read as float32. */
  readonly store: TensorStore;
  readonly vocabulary: WhisperVocabulary;
  /** SHA-256 of the codebook that the describer was trained with; undefined where the folder holds the codebook. */
  readonly codebookHash: string | undefined;
  /** Whether weights are stored in int8. */
  readonly int8: boolean;
}

/** A describer that reads answers off the codes. */
export interface ReaderFiles {
  readonly kind: "reader";
  readonly config: ReaderConfig;
  /** Of words.txt, where there is one. */
  readonly words: WordList | undefined;
  readonly store: TensorStore;
  readonly codebookHash: string | undefined;
}

/** What was found in a describer's folder. */
export type DescriberFiles = WriterFiles | ReaderFiles;

const extra = z.looseObject({
  codebook_sha256: sha256Field.optional(),
});

/** A tensor that only a text decoder has. */
const EMBEDDING = "model.decoder.embed_tokens.weight";

/** The folder of a describer within a model and its config.json; undefined when it has none. */
export async function describerFolder(
  files: ModelFiles,
): Promise<{ folder: string; json: unknown; isReader: boolean } | undefined> {
  for (const folder of ["reader", "tokenizer", ""]) {
    const path = join(folder, "config.json");
    if (!(await files.exists(path))) continue;
    const json = await readJson(files, path);
    const isReader = isCodesReader(json);
    if (isReader || (await files.exists(join(folder, "tokenizer.json")))) return { folder, json, isReader };
  }
  return undefined;
}

const join = (folder: string, name: string): string => (folder ? `${folder}/${name}` : name);

/**
 * Opens a describer; the caller closes its store.
 * @throws CheckpointError when there is none, or when its files are damaged or do not fit together.
 */
export async function openDescriber(files: ModelFiles): Promise<DescriberFiles> {
  const found = await describerFolder(files);
  if (found === undefined)
    throw new CheckpointError(
      `${files.source}: holds no describer; expected a folder with config.json, model.safetensors and tokenizer.json, ` +
        "as `uat quantize --part describer` writes it, a reader's folder, or a checkpoint of `uat train`",
    );
  return found.isReader ? openReader(files, found) : openWriter(files, found);
}

interface Found {
  readonly folder: string;
  readonly json: unknown;
}

async function openReader(files: ModelFiles, { folder, json }: Found): Promise<ReaderFiles> {
  const config = parseCodesReaderConfig(json, join(folder, "config.json"));
  const list = join(folder, "words.txt");
  const words = (await files.exists(list)) ? WordList.parse(await files.text(list), list) : undefined;
  const store = dequantized(await openSafetensorsModel(files, join(folder, "model")));
  return { kind: "reader", config, words, store, codebookHash: config.codebook_sha256 };
}

async function openWriter(files: ModelFiles, { folder, json }: Found): Promise<WriterFiles> {
  const path = join(folder, "config.json");
  const config = parseWhisperVqConfig(json, path);
  const { codebook_sha256 } = validated(extra, json, path);
  const target = config.encoder_residual_target_position;
  if (target !== null && target > config.quantize_position && !config.quantize_encoder_only)
    throw new CheckpointError(
      `${path}: encoder_residual_target_position is ${target}; expected at most quantize_position, which is ` +
        `${config.quantize_position}: what comes later needs the audio, and a describer has only its tokens`,
    );
  const vocabulary = await WhisperVocabulary.read(files, join(folder, "tokenizer.json"));
  const store = await openSafetensorsModel(files, join(folder, "model"));
  try {
    const embedding = store.info(EMBEDDING);
    if (embedding === undefined)
      throw new CheckpointError(
        `${join(folder, "model.safetensors")}: has no ${EMBEDDING}: this model tokenises but does not describe`,
      );
    if (embedding.shape[0] !== config.vocab_size)
      throw new CheckpointError(
        `${path}: vocab_size is ${config.vocab_size}; expected ${embedding.shape[0]}, the rows of ${EMBEDDING}`,
      );
    if (vocabulary.bytes.length > config.vocab_size)
      throw new CheckpointError(
        `${join(folder, "tokenizer.json")}: has ids up to ${vocabulary.bytes.length - 1}; expected them below ` +
          `vocab_size, which is ${config.vocab_size}`,
      );
    return {
      kind: "writer",
      config,
      store: dequantized(store),
      vocabulary,
      codebookHash: codebook_sha256,
      int8: int8Names(store).size > 0,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
