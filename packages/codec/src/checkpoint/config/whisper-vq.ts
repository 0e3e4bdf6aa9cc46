/**
 * tokenizer/config.json: the fields of Hugging Face's WhisperConfig that matter here, and those of the
 * vector-quantised encoder. Defaults are the published ones; unknown fields are left alone.
 */
import { z } from "zod";
import { CheckpointError, shown } from "../errors.ts";
import { type ModelFiles, readJson } from "../model-files.ts";
import { validated } from "./validate.ts";

/** Whisper's hop in samples, and its longest piece: 30 s at 16 kHz. */
const HOP_LENGTH = 160;
const PIECE_SAMPLES = 480_000;

const size = (fallback: number) =>
  z.int("expected a whole number above 0").positive("expected a whole number above 0").default(fallback);
const optionalSize = z
  .int("expected a whole number above 0, or null")
  .positive("expected a whole number above 0, or null")
  .nullable()
  .default(null);
const flag = z.boolean("expected true or false").default(false);
const ratio = (fallback: number) =>
  z.number("expected a number").nonnegative("expected a number of at least 0").default(fallback);

export const whisperVqSchema = z
  .looseObject({
    // WhisperConfig
    d_model: size(384),
    encoder_layers: size(4),
    encoder_attention_heads: size(6),
    encoder_ffn_dim: size(1536),
    decoder_layers: size(4),
    decoder_attention_heads: size(6),
    decoder_ffn_dim: size(1536),
    num_mel_bins: z.literal([80, 128], "expected 80 or 128").default(80),
    max_source_positions: size(1500),
    max_target_positions: size(448),
    vocab_size: size(51865),
    activation_function: z.literal("gelu", 'expected "gelu"').default("gelu"),
    // Pooling
    pooling_kernel_size: optionalSize,
    pooling_type: z.enum(["max", "avg"], 'expected "max" or "avg"').default("max"),
    pooling_position: z
      .int("expected a whole number of at least 0")
      .nonnegative("expected a whole number of at least 0")
      .default(0),
    // Quantiser
    quantize_vocab_size: z
      .int("expected a whole number above 1, or null")
      .min(2, "expected a whole number above 1, or null")
      .nullable()
      .default(null),
    quantize_position: size(16),
    quantize_commit_coefficient: ratio(0.25),
    quantize_loss_scale: ratio(1),
    quantize_ema_decay: z
      .number("expected a number from 0 to 1, or null")
      .min(0, "expected a number from 0 to 1, or null")
      .max(1, "expected a number from 0 to 1, or null")
      .nullable()
      .default(null),
    quantize_restart_interval: optionalSize,
    quantize_encoder_only: flag,
    quantize_causal_encoder: flag,
    quantize_causal_block_size: optionalSize,
    /** This project's own: `zscore` normalises the quantiser's input by stored mean and deviation. */
    quantize_normalization: z.literal("zscore", 'expected "zscore" or null').nullable().default(null),
    /** This project's own: modules that stay in float when the model runs in int8, e.g. `layers.0`. */
    modules_to_not_convert: z.array(z.string("expected names of modules such as layers.0")).default([]),
    skip_language_detection: flag,
    encoder_causal_attention: flag,
    encoder_causal_convolution: flag,
    // Gated residual (SAE)
    encoder_residual_source_position: optionalSize,
    encoder_residual_target_position: optionalSize,
    use_residual_adapter: flag,
    use_residual_gate: flag,
    codebook_gaussian_init: flag,
    use_commit_loss: z.boolean("expected true or false").default(true),
  })
  .readonly();

/** A checked tokenizer configuration, in the file's own field names. `encoder_layers` is the full count even when fewer are stored. */
export type WhisperVqConfig = z.output<typeof whisperVqSchema>;

/**
 * Checks a tokenizer configuration.
 * @param json the parsed config.json.
 * @param file named in messages.
 * @throws CheckpointError naming file, field, value and what is expected, also for fields that contradict each other.
 */
export function parseWhisperVqConfig(json: unknown, file = "tokenizer/config.json"): WhisperVqConfig {
  const config = validated(whisperVqSchema, json, file);
  checkRelations(config, file);
  return config;
}

/** Reads and checks `path` of a model. @throws CheckpointError as {@link parseWhisperVqConfig}. */
export async function readWhisperVqConfig(files: ModelFiles, path = "tokenizer/config.json"): Promise<WhisperVqConfig> {
  return parseWhisperVqConfig(await readJson(files, path), path);
}

function checkRelations(config: WhisperVqConfig, file: string): void {
  const refusal = (field: keyof WhisperVqConfig & string, expected: string): CheckpointError =>
    new CheckpointError(`${file}: ${field} is ${shown(config[field])}; expected ${expected}`);
  const refuse = (field: keyof WhisperVqConfig & string, expected: string): never => {
    throw refusal(field, expected);
  };
  const layers = config.encoder_layers;
  if (config.d_model % config.encoder_attention_heads)
    refuse("encoder_attention_heads", `a divisor of d_model, which is ${config.d_model}`);
  if (config.quantize_vocab_size === null)
    refuse("quantize_vocab_size", "the number of codes; without a quantiser there are no tokens");
  if (config.quantize_position > layers)
    refuse("quantize_position", `a layer from 1 to encoder_layers, which is ${layers}`);

  const kernel = config.pooling_kernel_size ?? 1;
  if (kernel > 1 && config.pooling_position > config.quantize_position)
    refuse(
      "pooling_position",
      `at most quantize_position, which is ${config.quantize_position}: codes are taken after pooling`,
    );
  if (config.max_source_positions < PIECE_SAMPLES / (2 * HOP_LENGTH))
    refuse("max_source_positions", `at least ${PIECE_SAMPLES / (2 * HOP_LENGTH)}, the positions of 30 s`);
  const stride = 2 * kernel * HOP_LENGTH;
  const positions = (Math.ceil(PIECE_SAMPLES / stride) * stride) / (2 * HOP_LENGTH);
  if (positions > config.max_source_positions)
    refuse(
      "pooling_kernel_size",
      `one with which 30 s, rounded up to ${stride} samples, give at most max_source_positions = ${config.max_source_positions} positions; these are ${positions}`,
    );

  // Only what a layer that runs makes use of must fit: those past the quantiser are left out of an extracted encoder
  const last = config.quantize_encoder_only ? config.quantize_position : layers;
  const strict = config.encoder_causal_attention ? last : config.quantize_causal_encoder ? config.quantize_position : 0;
  const block = config.quantize_causal_block_size;
  if (block !== null && block < kernel && Math.max(config.pooling_position, strict) < last)
    refuse(
      "quantize_causal_block_size",
      `at least pooling_kernel_size, which is ${kernel}: a block would be shorter than one pooled frame`,
    );

  const source = config.encoder_residual_source_position;
  const target = config.encoder_residual_target_position;
  if (target === null) return;
  if (target > layers)
    refuse("encoder_residual_target_position", `a layer from 1 to encoder_layers, which is ${layers}`);
  if (source === null)
    throw refusal("encoder_residual_source_position", `a layer, since encoder_residual_target_position is ${target}`);
  if (source > target)
    refuse("encoder_residual_source_position", `at most encoder_residual_target_position, which is ${target}`);
}
