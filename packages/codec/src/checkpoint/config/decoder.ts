/**
 * decoder/config.yaml: the flow (tokens → mel) and HiFT (mel → waveform) of the CosyVoice family, as typed data in the
 * file's own field names. Classes are known by the last component of their path, whichever package holds them.
 * Defaults are those of the published class signatures.
 */
import { z } from "zod";
import { CheckpointError, shown } from "../errors.ts";
import { HyperObject, parseHyperPyYaml } from "../hyperpyyaml.ts";
import type { ModelFiles } from "../model-files.ts";
import { count, instance, number, only, rate, refuser, size, sizes, tokenRate } from "./decoder-fields.ts";
import { checkHift, type HiftConfig, hift, sampleRate } from "./hift.ts";
import { validated } from "./validate.ts";

export type { HiftConfig } from "./hift.ts";

const conformer = instance(["ConformerEncoder", "BlockConformerEncoder"], {
  input_size: size,
  output_size: size,
  attention_heads: size,
  linear_units: size,
  num_blocks: count,
  /** Tokens of a block (BlockConformerEncoder only). */
  block_size: size.optional(),
  input_layer: only("linear"),
  pos_enc_layer_type: only("rel_pos_espnet"),
  selfattention_layer_type: z
    .enum(["rel_selfattn", "block_rel_selfattn"], 'expected "rel_selfattn" or "block_rel_selfattn"')
    .default("rel_selfattn"),
  macaron_style: only(false),
  use_cnn_module: only(false),
  normalize_before: only(true).default(true),
  activation_type: only("swish").default("swish"),
  key_bias: only(true).default(true),
  dropout_rate: rate.default(0.1),
  positional_dropout_rate: rate.default(0.1),
  attention_dropout_rate: rate.default(0),
});

const regulator = instance(["InterpolateRegulator"], {
  channels: size,
  sampling_ratios: z.array(only(1), "expected a list of ones"),
  out_channels: size.optional(),
});

const matchingFields = z.looseObject(
  {
    sigma_min: number.default(1e-6),
    solver: only("euler").default("euler"),
    t_scheduler: z.enum(["cosine", "linear"], 'expected "cosine" or "linear"').default("cosine"),
    training_cfg_rate: rate.default(0.2),
    inference_cfg_rate: number.default(0.7),
    reg_loss_type: z.enum(["l1", "l2"], 'expected "l1" or "l2"').default("l1"),
    /** An extension: the path begins at μ plus noise of this deviation, instead of at noise alone. */
    prior_deviation: number.nullable().default(null),
    /** An extension: Euler steps. With 0, which needs a prior_deviation, the mel is μ, and the estimator rests. */
    steps: z.int().min(0).max(1000).default(10),
  },
  "expected a mapping or !new: of DictConfig",
);
/** omegaconf's DictConfig wraps a mapping in `content`. */
const matching = z.preprocess((value) => {
  if (!(value instanceof HyperObject) || value.kind !== "new" || value.className !== "DictConfig") return value;
  return value.kwargs.content ?? value.args[0] ?? value.kwargs;
}, matchingFields);

const estimator = instance(["ConditionalDecoder"], {
  in_channels: size,
  out_channels: size,
  channels: sizes.default([256, 256]),
  dropout: rate.default(0.05),
  attention_head_dim: size.default(64),
  n_blocks: count.default(1),
  num_mid_blocks: count.default(2),
  num_heads: size.default(4),
  act_fn: only("gelu"),
});

const flow = instance(["MaskedDiffWithXvec"], {
  input_size: size.default(512),
  output_size: size.default(80),
  spk_embed_dim: size.default(192),
  output_type: only("mel").default("mel"),
  vocab_size: size.default(4096),
  /** Tokens a second. */
  input_frame_rate: tokenRate.default(50),
  only_mask_loss: z.boolean("expected true or false").default(true),
  encoder: conformer,
  length_regulator: regulator,
  decoder: instance(["ConditionalCFM"], {
    in_channels: size,
    n_spks: count.default(1),
    spk_emb_dim: size.default(64),
    cfm_params: matching,
    estimator,
  }),
});

export const decoderSchema = z.looseObject({ sample_rate: sampleRate, flow, hift });

/** Token-to-mel network: `{ class, encoder, length_regulator, decoder, … }` in the file's field names. */
export type FlowConfig = z.output<typeof flow>;

/** A checked decoder configuration. */
export interface DecoderConfig {
  /** Hz */
  readonly sample_rate: number;
  readonly flow: FlowConfig;
  readonly hift: HiftConfig;
  /** Top-level entries that decoding does not need (seeds, training data pipelines, …), as inert data. */
  readonly others: Readonly<Record<string, unknown>>;
}

/**
 * Reads a decoder configuration from HyperPyYAML text.
 * @param file named in messages.
 * @throws CheckpointError for bad YAML, unknown classes, values that are missing, of the wrong kind, unsupported, or
 *   that contradict each other; the message names file, field, value and what is expected.
 */
export function parseDecoderConfig(text: string, file = "decoder/config.yaml"): DecoderConfig {
  const data = parseHyperPyYaml(text, file);
  refuseUnknownClass(data.flow, "flow", ["MaskedDiffWithXvec"], file);
  refuseUnknownClass(data.hift, "hift", ["HiFTGenerator"], file);
  const config = validated(decoderSchema, data, file);
  checkRelations(config.flow, config.hift, file);
  const others = Object.fromEntries(
    Object.entries(data).filter(([name]) => !["sample_rate", "flow", "hift"].includes(name)),
  );
  return { sample_rate: config.sample_rate, flow: config.flow, hift: config.hift, others };
}

/** Reads and checks `path` of a model. @throws CheckpointError as {@link parseDecoderConfig}. */
export async function readDecoderConfig(files: ModelFiles, path = "decoder/config.yaml"): Promise<DecoderConfig> {
  return parseDecoderConfig(await files.text(path), path);
}

/** Classes known below `flow` and `hift`; any other is refused by its full path before its fields are looked at. */
const KNOWN = new Set([
  "MaskedDiffWithXvec",
  "ConformerEncoder",
  "BlockConformerEncoder",
  "InterpolateRegulator",
  "ConditionalCFM",
  "DictConfig",
  "ConditionalDecoder",
  "HiFTGenerator",
  "ConvRNNF0Predictor",
]);

function refuseUnknownClass(value: unknown, field: string, expected: readonly string[], file: string): void {
  const seen = new Set<unknown>();
  const visit = (node: unknown, path: string): void => {
    if (typeof node !== "object" || node === null || seen.has(node)) return;
    seen.add(node);
    if (node instanceof HyperObject) {
      if (node.kind !== "new" || !KNOWN.has(node.className) || (path === field && !expected.includes(node.className)))
        throw new CheckpointError(
          `${file}: ${path} is !${node.kind}:${shown(node.path).slice(1, -1)}; expected ${path === field ? expected.join(" or ") : `one of ${[...KNOWN].join(", ")}`}`,
        );
      for (const [name, child] of Object.entries(node.kwargs)) visit(child, `${path}.${name}`);
      for (const [i, child] of node.args.entries()) visit(child, `${path}[${i}]`);
    } else for (const [name, child] of Object.entries(node)) visit(child, `${path}.${name}`);
  };
  visit(value, field);
}

function checkRelations(flow: FlowConfig, hift: HiftConfig, file: string): void {
  const refuse = refuser(file);
  const { encoder, length_regulator: regulator } = flow;
  const { estimator } = flow.decoder;
  if (encoder.output_size % encoder.attention_heads)
    refuse(
      "flow.encoder.attention_heads",
      encoder.attention_heads,
      `a divisor of output_size, which is ${encoder.output_size}`,
    );
  if (encoder.output_size % 2) refuse("flow.encoder.output_size", encoder.output_size, "an even number");
  if (encoder.input_size !== flow.input_size)
    refuse("flow.encoder.input_size", encoder.input_size, `flow.input_size, which is ${flow.input_size}`);
  const attention = encoder.class === "BlockConformerEncoder" ? "block_rel_selfattn" : "rel_selfattn";
  if (encoder.selfattention_layer_type !== attention)
    refuse(
      "flow.encoder.selfattention_layer_type",
      encoder.selfattention_layer_type,
      `"${attention}" for ${encoder.class}`,
    );
  if (encoder.class === "BlockConformerEncoder" && encoder.block_size === undefined)
    refuse("flow.encoder.block_size", encoder.block_size, "the number of tokens in a block");
  if (regulator.channels !== flow.output_size)
    refuse("flow.length_regulator.channels", regulator.channels, `flow.output_size, which is ${flow.output_size}`);
  if (estimator.out_channels !== flow.output_size)
    refuse(
      "flow.decoder.estimator.out_channels",
      estimator.out_channels,
      `flow.output_size, which is ${flow.output_size}`,
    );
  if (estimator.in_channels !== 4 * flow.output_size)
    refuse(
      "flow.decoder.estimator.in_channels",
      estimator.in_channels,
      `${4 * flow.output_size}: noise, mel, speaker and condition`,
    );
  if (estimator.channels.some((channels) => channels % 8))
    refuse("flow.decoder.estimator.channels", estimator.channels, "multiples of 8, the number of normalisation groups");

  checkHift(hift, flow.output_size, "flow.output_size", file);
}
