/**
 * From `model.config` to the content of decoder/config.yaml. In a run's configuration flow and vocoder are plain nested
 * mappings: which class stands where is known, and so is what follows from other fields.
 */
import { type DecoderConfig, decoderSchema, parseDecoderConfig } from "universal-audio-tokenizer/internal";
import { Document, isMap, type YAMLMap } from "yaml";
import { unknownKey } from "./check.ts";
import { keysOf, schemaAt } from "./schema-tree.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Classes by where they stand, by the paths that published files give them. */
const CLASSES: Readonly<Record<string, string>> = {
  flow: "cosyvoice.flow.flow.MaskedDiffWithXvec",
  "flow.encoder": "cosyvoice.transformer.encoder.ConformerEncoder",
  "flow.length_regulator": "cosyvoice.flow.length_regulator.InterpolateRegulator",
  "flow.decoder": "cosyvoice.flow.flow_matching.ConditionalCFM",
  "flow.decoder.cfm_params": "omegaconf.DictConfig",
  "flow.decoder.estimator": "cosyvoice.flow.decoder.ConditionalDecoder",
  hift: "cosyvoice.hifigan.generator.HiFTGenerator",
  "hift.f0_predictor": "cosyvoice.hifigan.f0_predictor.ConvRNNF0Predictor",
};
const BLOCK_ENCODER = "cosyvoice.transformer.encoder.BlockConformerEncoder";

/** Where nothing is said: the sizes of the published decoders, and what admits no choice. */
const DEFAULTS = {
  sample_rate: 22050,
  flow: {
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
    length_regulator: { channels: 80, sampling_ratios: [1, 1, 1, 1] },
    decoder: {
      in_channels: 240,
      spk_emb_dim: 80,
      cfm_params: {},
      estimator: {
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
  hift: { f0_predictor: {} },
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
 * The content of the new checkpoint's decoder/config.yaml: fields of the run before those of the file it starts from,
 * defaults where neither says anything.
 * @param base text of the decoder/config.yaml that the run starts from, if any.
 * @param fields `model.config`: `{ flow?, hift? }`.
 * @param file named in messages.
 * @returns the file's text and the same checked.
 * @throws CheckpointError for fields that cannot be or contradict each other.
 */
export function decoderGeometry(
  base: string | undefined,
  fields: Fields,
  file: string,
): { readonly text: string; readonly config: DecoderConfig } {
  const start: Fields = base === undefined ? DEFAULTS : { ...DEFAULTS, ...withoutClasses(parseDecoderConfig(base)) };
  const merged = merge(start, fields) as typeof DEFAULTS & Fields;
  const { flow } = merged;
  const encoder: Fields = flow.encoder;
  const derived = {
    flow: {
      encoder: {
        input_size: flow.input_size,
        selfattention_layer_type: encoder.block_size === undefined ? "rel_selfattn" : "block_rel_selfattn",
      },
    },
  };
  const text = written(merge(derived, merged));
  return { text, config: parseDecoderConfig(text, `${file}: model.config`) };
}

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Mappings key by key, the second before the first; anything else is replaced. */
function merge(first: unknown, second: unknown): unknown {
  if (!isFields(first) || !isFields(second)) return second === undefined ? first : second;
  const keys = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries(Array.from(keys, (key) => [key, merge(first[key], second[key])]));
}

function withoutClasses(config: DecoderConfig): Fields {
  const strip = (value: unknown): unknown =>
    isFields(value)
      ? Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (k === "class" ? [] : [[k, strip(v)]])))
      : value;
  const { sample_rate, flow, hift } = config;
  return { sample_rate, flow: strip(flow), hift: strip(hift) };
}

/** HyperPyYAML: mappings that stand for objects are tagged with their class. */
function written(value: unknown): string {
  const document = new Document(value);
  for (const [path, className] of Object.entries(CLASSES)) {
    const node = document.getIn(path.split("."), true);
    if (!isMap(node)) continue;
    const isBlock = path === "flow.encoder" && node.has("block_size");
    node.tag = `!new:${isBlock ? BLOCK_ENCODER : className}`;
    if (className === "omegaconf.DictConfig") wrapContent(document, node);
  }
  return document.toString();
}

/** omegaconf's DictConfig takes its mapping as `content`. */
function wrapContent(document: Document, node: YAMLMap): void {
  const content = document.createNode({}) as YAMLMap;
  content.items = node.items as typeof content.items;
  node.items = [];
  node.set("content", content);
}
