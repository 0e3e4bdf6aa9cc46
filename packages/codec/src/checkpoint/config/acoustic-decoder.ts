/**
 * decoder/config.yaml of this project's own decoders: an acoustic model (tokens → mel and pitch) in place of upstream's
 * flow, and HiFT. Both kinds are HyperPyYAML; `acoustic` or `flow` tells which one a file is.
 */
import { z } from "zod";
import { CheckpointError, shown } from "../errors.ts";
import { HyperObject, parseHyperPyYaml } from "../hyperpyyaml.ts";
import type { ModelFiles } from "../model-files.ts";
import { type DecoderConfig, parseDecoderConfig } from "./decoder.ts";
import { instance, oddSize, rate, refuser, size, tokenRate } from "./decoder-fields.ts";
import { checkHift, type HiftConfig, hift, sampleRate } from "./hift.ts";
import { validated } from "./validate.ts";

const acoustic = instance(["AcousticModel"], {
  vocab_size: size,
  /** Tokens a second. */
  input_frame_rate: tokenRate.default(25),
  input_size: size.default(512),
  hidden_size: size.default(256),
  num_blocks: size.default(4),
  attention_heads: size.default(4),
  filter_size: size.default(768),
  kernel_size: oddSize.default(5),
  subframes: size.default(4),
  subframe_size: size.default(160),
  output_size: size.default(80),
  dropout_rate: rate.default(0.1),
});

export const acousticDecoderSchema = z.looseObject({ sample_rate: sampleRate, acoustic, hift });

/** Token-to-mel network without flow matching. */
export type AcousticConfig = z.output<typeof acoustic>;

export interface AcousticDecoderConfig {
  /** Hz */
  readonly sample_rate: number;
  readonly acoustic: AcousticConfig;
  readonly hift: HiftConfig;
}

/** @throws CheckpointError as {@link parseDecoderConfig}. */
export function parseAcousticDecoderConfig(text: string, file = "decoder/config.yaml"): AcousticDecoderConfig {
  const data = parseHyperPyYaml(text, file);
  for (const [field, expected] of [
    ["acoustic", "AcousticModel"],
    ["hift", "HiFTGenerator"],
  ] as const) {
    const value = data[field];
    if (value instanceof HyperObject && value.className !== expected)
      throw new CheckpointError(
        `${file}: ${field} is !${value.kind}:${shown(value.path).slice(1, -1)}; expected ${expected}`,
      );
  }
  const config = validated(acousticDecoderSchema, data, file);
  const { attention_heads, hidden_size, output_size } = config.acoustic;
  if (hidden_size % attention_heads)
    refuser(file)("acoustic.attention_heads", attention_heads, `a divisor of hidden_size, which is ${hidden_size}`);
  checkHift(config.hift, output_size, "acoustic.output_size", file);
  return { sample_rate: config.sample_rate, acoustic: config.acoustic, hift: config.hift };
}

/** A decoder's configuration of either kind. */
export type AnyDecoderConfig = DecoderConfig | AcousticDecoderConfig;

/** @throws CheckpointError as {@link parseDecoderConfig}. */
export function parseAnyDecoderConfig(text: string, file = "decoder/config.yaml"): AnyDecoderConfig {
  return "acoustic" in parseHyperPyYaml(text, file)
    ? parseAcousticDecoderConfig(text, file)
    : parseDecoderConfig(text, file);
}

/** Reads and checks `path` of a model. @throws CheckpointError as {@link parseDecoderConfig}. */
export async function readAnyDecoderConfig(files: ModelFiles, path: string): Promise<AnyDecoderConfig> {
  return parseAnyDecoderConfig(await files.text(path), path);
}
