/**
 * decoder/config.yaml: the flow (tokens → mel) and HiFT (mel → waveform) of the CosyVoice family, as typed data in the
 * file's own field names. Classes are known by the last component of their path, whichever package holds them.
 * Defaults are those of the published class signatures.
 */
import { z } from "zod";
import { CheckpointError, shown } from "../errors.ts";
import { HyperObject, parseHyperPyYaml } from "../hyperpyyaml.ts";
import type { ModelFiles } from "../model-files.ts";
import { validated } from "./validate.ts";

/** Upstream's flow counts mel frames by these, whatever the configuration says. */
const SAMPLE_RATE = 22050;
const HOP_LENGTH = 256;

/** `1e-06` has no dot: YAML 1.1 reads it as text, Python's users mean a number. */
const toNumber = (value: unknown): unknown =>
  typeof value === "string" && /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(value) ? Number(value) : value;
const number = z.preprocess(toNumber, z.number("expected a number"));
const size = z.preprocess(
  toNumber,
  z.int("expected a whole number above 0").positive("expected a whole number above 0"),
);
const count = z.preprocess(
  toNumber,
  z.int("expected a whole number of at least 0").nonnegative("expected a whole number of at least 0"),
);
const positive = z.preprocess(toNumber, z.number("expected a number above 0").positive("expected a number above 0"));
/** Fewer a second would make more mel frames of one token than anything can hold. */
const tokenRate = z.preprocess(
  toNumber,
  z.number("expected a number of at least 1").min(1, "expected a number of at least 1"),
);
const rate = z.preprocess(
  toNumber,
  z.number("expected a rate from 0 to 1").min(0, "expected a rate from 0 to 1").max(1, "expected a rate from 0 to 1"),
);
const sizes = z
  .array(size, "expected a list of whole numbers above 0")
  .min(1, "expected a list of whole numbers above 0");
const only = <const T extends string | number | boolean>(value: T) =>
  z.preprocess(
    typeof value === "number" ? toNumber : (v) => v,
    z.literal(value, `expected ${JSON.stringify(value)}; nothing else is supported`),
  );

/** An object of one of these classes, as `{ class, …arguments }`. */
function instance<const C extends string, S extends z.ZodRawShape>(classes: readonly [C, ...C[]], shape: S) {
  const expected = `expected !new: of ${classes.join(" or ")}`;
  return z.preprocess(
    (value) => {
      if (!(value instanceof HyperObject) || value.kind !== "new") return value;
      return { ...value.kwargs, class: value.className };
    },
    z.looseObject({ class: z.enum(classes, expected), ...shape }, expected),
  );
}

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

const oddSizes = z
  .array(
    size.refine((kernel) => kernel % 2, "expected an odd number"),
    "expected a list of odd numbers",
  )
  .min(1, "expected a list of odd numbers");
const dilations = z.array(sizes, "expected a list of lists of dilations");
const hift = instance(["HiFTGenerator"], {
  in_channels: size.default(80),
  base_channels: size.default(512),
  nb_harmonics: count.default(8),
  /** Hz */
  sampling_rate: only(SAMPLE_RATE).default(SAMPLE_RATE),
  nsf_alpha: number.default(0.1),
  nsf_sigma: number.default(0.003),
  /** Hz */
  nsf_voiced_threshold: number.default(10),
  upsample_rates: sizes.default([8, 8]),
  upsample_kernel_sizes: sizes.default([16, 16]),
  istft_params: z
    .looseObject({ n_fft: size, hop_len: size }, "expected a mapping with n_fft and hop_len")
    .default({ n_fft: 16, hop_len: 4 }),
  resblock_kernel_sizes: oddSizes.default([3, 7, 11]),
  resblock_dilation_sizes: dilations.default([
    [1, 3, 5],
    [1, 3, 5],
    [1, 3, 5],
  ]),
  source_resblock_kernel_sizes: oddSizes.default([7, 11]),
  source_resblock_dilation_sizes: dilations.default([
    [1, 3, 5],
    [1, 3, 5],
  ]),
  lrelu_slope: number.default(0.1),
  audio_limit: positive.default(0.99),
  /** An extension: the spectrum is the excitation's, filtered, instead of the network's own. */
  source_filter: z.boolean("expected true or false").default(false),
  f0_predictor: instance(["ConvRNNF0Predictor"], {
    num_class: only(1).default(1),
    in_channels: size.default(80),
    cond_channels: size.default(512),
  }),
});

export const decoderSchema = z.looseObject({ sample_rate: only(SAMPLE_RATE).default(SAMPLE_RATE), flow, hift });

/** Token-to-mel network: `{ class, encoder, length_regulator, decoder, … }` in the file's field names. */
export type FlowConfig = z.output<typeof flow>;
/** Mel-to-waveform network. */
export type HiftConfig = z.output<typeof hift>;

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
  const refuse = (field: string, value: unknown, expected: string): never => {
    throw new CheckpointError(`${file}: ${field} is ${shown(value)}; expected ${expected}`);
  };
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
  if (hift.in_channels !== flow.output_size)
    refuse("hift.in_channels", hift.in_channels, `flow.output_size, which is ${flow.output_size}`);
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

  const stages = hift.upsample_rates.length;
  if (hift.upsample_kernel_sizes.length !== stages)
    refuse("hift.upsample_kernel_sizes", hift.upsample_kernel_sizes, `as many as upsample_rates, which are ${stages}`);
  hift.upsample_rates.forEach((step, i) => {
    const kernel = hift.upsample_kernel_sizes[i]!;
    if (kernel < step || (kernel - step) % 2)
      refuse(
        `hift.upsample_kernel_sizes[${i}]`,
        kernel,
        `at least upsample_rates[${i}] = ${step} and of the same parity`,
      );
  });
  if (hift.base_channels % 2 ** stages)
    refuse("hift.base_channels", hift.base_channels, `a multiple of ${2 ** stages}`);
  if (hift.source_resblock_kernel_sizes.length !== stages)
    refuse(
      "hift.source_resblock_kernel_sizes",
      hift.source_resblock_kernel_sizes,
      `as many as upsample_rates, which are ${stages}`,
    );
  if (hift.source_resblock_dilation_sizes.length !== stages)
    refuse(
      "hift.source_resblock_dilation_sizes",
      hift.source_resblock_dilation_sizes,
      `as many as upsample_rates, which are ${stages}`,
    );
  if (hift.resblock_dilation_sizes.length !== hift.resblock_kernel_sizes.length)
    refuse(
      "hift.resblock_dilation_sizes",
      hift.resblock_dilation_sizes,
      `as many as resblock_kernel_sizes, which are ${hift.resblock_kernel_sizes.length}`,
    );
  const { n_fft, hop_len } = hift.istft_params;
  if (n_fft % 2 || hop_len > n_fft)
    refuse("hift.istft_params", hift.istft_params, "an even n_fft and a hop_len of at most n_fft");
  const hop = hift.upsample_rates.reduce((product, step) => product * step, hop_len);
  if (hop !== HOP_LENGTH)
    refuse(
      "hift.upsample_rates",
      hift.upsample_rates,
      `rates whose product with hop_len ${hop_len} is ${HOP_LENGTH} samples a mel frame; it is ${hop}`,
    );
}
