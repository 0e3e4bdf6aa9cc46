/** From `model.config` to the content of tokenizer/config.json. */
import { parseWhisperVqConfig, whisperVqSchema } from "universal-audio-tokenizer/internal";
import type { TextTokenizer } from "../tasks/text-tokenizer.ts";
import { unknownKey } from "./check.ts";
import { keysOf } from "./schema-tree.ts";

/** Fields of transformers' WhisperConfig that change nothing here or are read elsewhere; they are kept. */
const OTHER_FIELDS =
  "_attn_implementation_autoset _name_or_path activation_dropout apply_spec_augment architectures attention_dropout begin_suppress_tokens " +
  "bos_token_id classifier_proj_size decoder_layerdrop decoder_start_token_id dropout encoder_layerdrop eos_token_id " +
  "forced_decoder_ids init_std is_encoder_decoder mask_feature_length mask_feature_min_masks mask_feature_prob " +
  "mask_time_length mask_time_min_masks mask_time_prob max_length median_filter_width model_type num_hidden_layers " +
  "pad_token_id scale_embedding suppress_tokens torch_dtype transformers_version use_cache use_weighted_layer_sum";

/** Every field of tokenizer/config.json that `model.config` may set. */
export const TOKENIZER_FIELDS: readonly string[] = [
  ...Object.keys(keysOf(whisperVqSchema)!),
  ...OTHER_FIELDS.split(" "),
];

/** Refuses fields that no tokeniser has. @throws TrainingError with the nearest known field. */
export function checkTokenizerFields(fields: Readonly<Record<string, unknown>>, file: string): void {
  const unknown = Object.keys(fields).find((key) => !TOKENIZER_FIELDS.includes(key));
  if (unknown !== undefined) throw unknownKey(whisperVqSchema, ["model", "config"], unknown, file, TOKENIZER_FIELDS);
}

/**
 * The content of the new checkpoint's tokenizer/config.json: fields of the run before those of the checkpoint it starts
 * from, vocabulary and special tokens as the text's tokenizer has them.
 * @param base the parsed config.json that the run starts from, {} where there is none.
 * @param fields `model.config`.
 * @param file named in messages.
 * @returns the file's content and the same checked.
 * @throws CheckpointError for fields that cannot be or contradict each other.
 */
export function tokenizerGeometry(
  base: unknown,
  fields: Readonly<Record<string, unknown>>,
  text: TextTokenizer,
  file: string,
): { readonly json: Readonly<Record<string, unknown>>; readonly config: ReturnType<typeof parseWhisperVqConfig> } {
  const given = { ...(base as Record<string, unknown>), ...fields };
  const json = {
    architectures: ["WhisperVQForConditionalGeneration"],
    model_type: "whisper",
    is_encoder_decoder: true,
    skip_language_detection: true,
    ...given,
    // an embedding may have more rows than the tokenizer has ids, never fewer
    vocab_size: Math.max(text.size, typeof given.vocab_size === "number" ? given.vocab_size : 0),
    pad_token_id: text.end,
    bos_token_id: text.end,
    eos_token_id: text.end,
    decoder_start_token_id: text.start("asr"),
    quantize_encoder_only: false,
  };
  return { json, config: parseWhisperVqConfig(json, `${file}: model.config`) };
}
