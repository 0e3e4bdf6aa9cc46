/** config.json and generation_config.json of a Whisper checkpoint in Hugging Face's layout. */
import { CheckpointError, type ModelFiles, readJson, type WhisperConfig } from "universal-audio-tokenizer/internal";

/** What steers generation, by the names in the files. Ids. */
export interface WhisperGeneration {
  readonly eos_token_id: number;
  readonly decoder_start_token_id: number;
  /** Never chosen. */
  readonly suppress_tokens: readonly number[];
  /** Not chosen as the first token. */
  readonly begin_suppress_tokens: readonly number[];
}

const SIZES = [
  "d_model",
  "encoder_layers",
  "encoder_attention_heads",
  "encoder_ffn_dim",
  "decoder_layers",
  "decoder_attention_heads",
  "decoder_ffn_dim",
  "num_mel_bins",
  "max_source_positions",
  "max_target_positions",
  "vocab_size",
] as const satisfies readonly (keyof WhisperConfig)[];

/**
 * Reads both files; generation_config.json may be missing, its values win where it is there.
 * @throws CheckpointError that names file, field and value when one is missing or not what Whisper has.
 */
export async function readWhisperConfig(
  files: ModelFiles,
): Promise<{ config: WhisperConfig; generation: WhisperGeneration }> {
  const json = record(await readJson(files, "config.json"), "config.json");
  for (const field of SIZES) whole(json, field, 1, "config.json");
  const config = json as unknown as WhisperConfig;
  for (const [heads, name] of [
    [config.encoder_attention_heads, "encoder_attention_heads"],
    [config.decoder_attention_heads, "decoder_attention_heads"],
  ] as const) {
    if (config.d_model % heads !== 0)
      throw new CheckpointError(`config.json: ${name} is ${heads}; expected a divisor of d_model ${config.d_model}`);
  }
  const activation = json.activation_function ?? "gelu";
  if (activation !== "gelu")
    throw new CheckpointError(`config.json: activation_function is ${String(activation)}; expected gelu`);
  if (json.scale_embedding)
    throw new CheckpointError("config.json: scale_embedding is true; expected false, as every Whisper has it");

  const path = "generation_config.json";
  const own = (await files.exists(path)) ? record(await readJson(files, path), path) : {};
  const merged = { ...json, ...Object.fromEntries(Object.entries(own).filter(([, value]) => value != null)) };
  return {
    config,
    generation: {
      eos_token_id: whole(merged, "eos_token_id", 0, "config.json"),
      decoder_start_token_id: whole(merged, "decoder_start_token_id", 0, "config.json"),
      suppress_tokens: ids(merged, "suppress_tokens"),
      begin_suppress_tokens: ids(merged, "begin_suppress_tokens"),
    },
  };
}

function record(value: unknown, file: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CheckpointError(`${file}: expected a JSON object`);
}

function whole(json: Record<string, unknown>, field: string, minimum: number, file: string): number {
  const value = json[field];
  if (Number.isSafeInteger(value) && (value as number) >= minimum) return value as number;
  const given = value === undefined ? "missing" : JSON.stringify(value)?.slice(0, 60);
  throw new CheckpointError(`${file}: ${field} is ${given}; expected a whole number of at least ${minimum}`);
}

function ids(json: Record<string, unknown>, field: string): readonly number[] {
  const value = json[field] ?? [];
  if (Array.isArray(value) && value.every((id) => Number.isSafeInteger(id))) return value;
  throw new CheckpointError(`config.json: ${field} is ${JSON.stringify(value).slice(0, 60)}; expected a list of ids`);
}
