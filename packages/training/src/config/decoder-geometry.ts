/**
 * From `model.config` to the content of decoder/config.yaml. In a run's configuration flow and vocoder are plain nested
 * mappings: which class stands where is known, and so is what follows from other fields.
 */
import {
  type AnyDecoderConfig,
  acousticDecoderSchema,
  type DecoderConfig,
  decoderSchema,
  parseAnyDecoderConfig,
} from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import { decoderConfigYaml } from "../systems/decoder-files.ts";
import { unknownKey } from "./check.ts";
import { keysOf, schemaAt } from "./schema-tree.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Where nothing is said: the classes and sizes of the published decoders, and what admits no choice. */
const DEFAULTS = {
  sample_rate: 22050,
  flow: {
    class: "MaskedDiffWithXvec",
    input_size: 512,
    output_size: 80,
    input_frame_rate: 25,
    encoder: {
      output_size: 512,
      attention_heads: 8,
      linear_units: 2048,
      num_blocks: 6,
      input_layer: "linear",
      pos_enc_layer_type: "rel_pos_espnet",
      use_cnn_module: false,
      macaron_style: false,
    },
    length_regulator: { class: "InterpolateRegulator", channels: 80, sampling_ratios: [1, 1, 1, 1] },
    decoder: {
      class: "ConditionalCFM",
      in_channels: 240,
      spk_emb_dim: 80,
      cfm_params: {},
      estimator: {
        class: "ConditionalDecoder",
        in_channels: 320,
        out_channels: 80,
        channels: [256, 256],
        dropout: 0,
        attention_head_dim: 64,
        n_blocks: 4,
        num_mid_blocks: 12,
        num_heads: 8,
        act_fn: "gelu",
      },
    },
  },
  hift: { class: "HiFTGenerator", f0_predictor: { class: "ConvRNNF0Predictor" } },
};

/** Refuses fields that no decoder has. @throws TrainingError with the nearest known field. */
export function checkDecoderFields(fields: Fields, file: string): void {
  const visit = (value: unknown, path: readonly string[]): void => {
    const known = keysOf(schemaAt(path[0] === "acoustic" ? acousticDecoderSchema : decoderSchema, path));
    if (!known || !isFields(value)) return;
    for (const [key, child] of Object.entries(value)) {
      if (!Object.hasOwn(known, key) || key === "class") {
        const names = Object.keys(known).filter((name) => name !== "class");
        throw unknownKey(undefined, ["model", "config", ...path], key, file, names);
      }
      visit(child, [...path, key]);
    }
  };
  for (const part of ["flow", "acoustic", "hift"]) visit(fields[part], [part]);
  if (hasFields(fields.flow) && hasFields(fields.acoustic))
    throw new TrainingError(`${file}: model.config has both flow and acoustic; expected one of them`);
}

/**
 * The new checkpoint's decoder: fields of the run before those of the file it starts from, defaults where neither says
 * anything.
 * @param base text of the decoder/config.yaml that the run starts from, if any.
 * @param fields `model.config`: `{ flow?, acoustic?, hift? }`.
 * @param file named in messages.
 * @throws CheckpointError for fields that cannot be or contradict each other.
 */
export function decoderGeometry(base: string | undefined, fields: Fields, file: string): AnyDecoderConfig {
  const start = base === undefined ? undefined : parseAnyDecoderConfig(base);
  const isAcoustic =
    hasFields(fields.acoustic) || (start !== undefined && "acoustic" in start && !hasFields(fields.flow));
  const merged = isAcoustic ? acousticGeometry(start, fields) : flowGeometry(start, fields);
  return parseAnyDecoderConfig(decoderConfigYaml(merged), `${file}: model.config`);
}

/** Of a decoder with a flow. @throws TrainingError where there is none. */
export function flowDecoderGeometry(base: string | undefined, fields: Fields, file: string): DecoderConfig {
  const config = decoderGeometry(base, fields, file);
  if ("flow" in config) return config;
  throw new TrainingError(`${file}: has an acoustic model; expected a flow`);
}

function acousticGeometry(start: AnyDecoderConfig | undefined, fields: Fields): AnyDecoderConfig {
  const { sample_rate, hift } = start ?? DEFAULTS;
  const acoustic = start && "acoustic" in start ? start.acoustic : { class: "AcousticModel" };
  return merge({ sample_rate, acoustic, hift }, { acoustic: fields.acoustic, hift: fields.hift }) as AnyDecoderConfig;
}

function flowGeometry(start: AnyDecoderConfig | undefined, fields: Fields): AnyDecoderConfig {
  const base = start === undefined || "flow" in start ? (start ?? DEFAULTS) : { ...DEFAULTS, hift: start.hift };
  const merged = merge(base, { flow: fields.flow, hift: fields.hift }) as typeof DEFAULTS;
  const { flow } = merged;
  // what follows from other fields is not kept from the file that is started from
  const isBlock = "block_size" in flow.encoder;
  const encoder = {
    ...flow.encoder,
    class: isBlock ? "BlockConformerEncoder" : "ConformerEncoder",
    input_size: flow.input_size,
    selfattention_layer_type: isBlock ? "block_rel_selfattn" : "rel_selfattn",
    ...(fields.flow as { encoder?: Fields } | undefined)?.encoder,
  };
  return { ...merged, flow: { ...flow, encoder } } as unknown as AnyDecoderConfig;
}

const hasFields = (value: unknown): boolean => isFields(value) && Object.keys(value).length > 0;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Mappings key by key, the second before the first; anything else is replaced. */
function merge(first: unknown, second: unknown): unknown {
  if (!isFields(first) || !isFields(second)) return second === undefined ? first : second;
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries(Array.from(keys, (key) => [key, merge(first[key], second[key])]));
}
