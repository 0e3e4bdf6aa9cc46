/**
 * From `model.config` to the content of decoder/config.yaml. In a run's configuration flow and vocoder are plain nested
 * mappings: which class stands where is known, and so is what follows from other fields.
 */
import { type DecoderConfig, decoderSchema, parseDecoderConfig } from "universal-audio-tokenizer/internal";
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
    const known = keysOf(schemaAt(decoderSchema, path));
    if (!known || !isFields(value)) return;
    for (const [key, child] of Object.entries(value)) {
      if (!Object.hasOwn(known, key) || key === "class") {
        const names = Object.keys(known).filter((name) => name !== "class");
        throw unknownKey(undefined, ["model", "config", ...path], key, file, names);
      }
      visit(child, [...path, key]);
    }
  };
  for (const part of ["flow", "hift"]) visit(fields[part], [part]);
}

/**
 * The new checkpoint's decoder: fields of the run before those of the file it starts from, defaults where neither says
 * anything.
 * @param base text of the decoder/config.yaml that the run starts from, if any.
 * @param fields `model.config`: `{ flow?, hift? }`.
 * @param file named in messages.
 * @throws CheckpointError for fields that cannot be or contradict each other.
 */
export function decoderGeometry(base: string | undefined, fields: Fields, file: string): DecoderConfig {
  const start = base === undefined ? DEFAULTS : parseDecoderConfig(base);
  const merged = merge(start, fields) as typeof DEFAULTS;
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
  const config = { ...merged, flow: { ...flow, encoder } } as unknown as DecoderConfig;
  return parseDecoderConfig(decoderConfigYaml(config), `${file}: model.config`);
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Mappings key by key, the second before the first; anything else is replaced. */
function merge(first: unknown, second: unknown): unknown {
  if (!isFields(first) || !isFields(second)) return second === undefined ? first : second;
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries(Array.from(keys, (key) => [key, merge(first[key], second[key])]));
}
