/** config.json of a reader: a network from codes to words and labels (models/codes-reader.ts). */
import { z } from "zod";
import { isReaderLabel } from "../../describe/reader-labels.ts";
import type { CodesReaderConfig } from "../../models/codes-reader.ts";
import { CheckpointError } from "../errors.ts";
import { type ModelFiles, readJson } from "../model-files.ts";
import { oddSize, rate, refuser, size, tokenRate } from "./decoder-fields.ts";
import { validated } from "./validate.ts";

/** `model_type` of a reader's config.json. */
export const CODES_READER = "codes_reader";

const distinct = (values: readonly string[]) => new Set(values).size === values.length;

/** A SHA-256 in lower-case hexadecimal. */
export const sha256Field = z
  .string("expected 64 hexadecimal digits")
  .regex(/^[0-9a-f]{64}$/, "expected 64 hexadecimal digits");

export const codesReaderSchema = z.looseObject({
  model_type: z.literal(CODES_READER, `expected "${CODES_READER}"`).default(CODES_READER),
  vocab_size: size.default(8192),
  /** Tokens a second. */
  frame_rate: tokenRate.default(25),
  /** Width of the embedding; that of the codebook where training starts from it. */
  input_size: size.default(512),
  hidden_size: size.default(256),
  num_blocks: size.default(6),
  attention_heads: size.default(4),
  filter_size: size.default(768),
  kernel_size: oddSize.default(5),
  dropout_rate: rate.default(0.15),
  characters: z
    .array(z.string("expected text"), "expected a list of characters")
    .min(1, "expected at least one character")
    .refine(distinct, "expected no character twice"),
  labels: z
    .array(z.string("expected text"), "expected a list of labels")
    .min(1, "expected at least one label")
    .refine(distinct, "expected no label twice")
    .refine((labels) => labels.every(isReaderLabel), 'expected labels such as "speech" and "gender: Female"'),
  /** Log odds above which a sound is named: 0 names what is likelier than not, less names more, and more of it in vain. */
  event_threshold: z.number("expected a number").default(0),
  /** SHA-256 of the codebook whose codes are read (describe/codebook-hash.ts). */
  codebook_sha256: sha256Field.optional(),
});

export type ReaderConfig = z.output<typeof codesReaderSchema> & CodesReaderConfig;

/** @throws CheckpointError for the first field that does not fit. */
export function parseCodesReaderConfig(value: unknown, file: string): ReaderConfig {
  const config = validated(codesReaderSchema, value, file);
  const { attention_heads, hidden_size } = config;
  if (hidden_size % attention_heads)
    refuser(file)("attention_heads", attention_heads, `a divisor of hidden_size, which is ${hidden_size}`);
  return config;
}

/** Whether a config.json is that of a reader. */
export const isCodesReader = (json: unknown): boolean =>
  typeof json === "object" && json !== null && (json as { model_type?: unknown }).model_type === CODES_READER;

/** @throws CheckpointError when the file is missing, damaged or that of another network. */
export async function readCodesReaderConfig(files: ModelFiles, path: string): Promise<ReaderConfig> {
  const json = await readJson(files, path);
  if (!isCodesReader(json)) throw new CheckpointError(`${path}: model_type is not "${CODES_READER}"`);
  return parseCodesReaderConfig(json, path);
}
