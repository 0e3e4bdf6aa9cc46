/** tokenizer/preprocessor_config.json: Hugging Face's WhisperFeatureExtractor. */
import { z } from "zod";
import { type ModelFiles, readJson } from "../model-files.ts";
import { validated } from "./validate.ts";

const only = <const T extends number>(value: T) =>
  z.literal(value, `expected ${value}; other front ends are not supported`);

const schema = z
  .looseObject({
    feature_size: z.literal([80, 128], "expected 80 or 128 mel bins").default(80),
    sampling_rate: only(16000).default(16000),
    hop_length: only(160).default(160),
    n_fft: only(400).default(400),
    chunk_length: only(30).default(30),
  })
  .readonly();

/** A checked front-end configuration: rates in Hz, lengths in samples, `chunk_length` in seconds. */
export type PreprocessorConfig = z.output<typeof schema>;

/** @throws CheckpointError naming file, field, value and what is expected. */
export function parsePreprocessorConfig(
  json: unknown,
  file = "tokenizer/preprocessor_config.json",
): PreprocessorConfig {
  return validated(schema, json, file);
}

/** Reads and checks `path` of a model. @throws CheckpointError as {@link parsePreprocessorConfig}. */
export async function readPreprocessorConfig(
  files: ModelFiles,
  path = "tokenizer/preprocessor_config.json",
): Promise<PreprocessorConfig> {
  return parsePreprocessorConfig(await readJson(files, path), path);
}
