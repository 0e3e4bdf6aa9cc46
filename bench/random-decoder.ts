/**
 * Writes a decoder checkpoint of any geometry with random weights, in the official layout but for the container
 * (safetensors instead of .pt):
 *
 *     npx tsx bench/random-decoder.ts DIRECTORY
 *
 * Which tensors there are and of what shape is asked of the networks themselves.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildGraph, type Graph, type ParameterData, Scope, type Tensor } from "@uat/graph";
import { type LazyTensor, writeSafetensorsFile } from "universal-audio-tokenizer/internal";
import { parseDecoderConfig } from "../packages/codec/src/checkpoint/config/decoder.ts";
import { f0Graph } from "../packages/codec/src/models/f0-predictor.ts";
import { flowEncoderGraph } from "../packages/codec/src/models/flow-encoder.ts";
import { eulerStepGraph } from "../packages/codec/src/models/flow-matching.ts";
import { hiftGraph } from "../packages/codec/src/models/hift.ts";

export interface DecoderGeometry {
  /** Width of the token encoder, its feed-forward layers, and its depth. */
  readonly encoder: {
    readonly width: number;
    readonly heads: number;
    readonly hidden: number;
    readonly layers: number;
  };
  readonly estimator: {
    readonly width: number;
    readonly heads: number;
    readonly headSize: number;
    readonly transformers: number;
    readonly middle: number;
  };
  readonly vocoderWidth: number;
}

/** The published decoder: 107 M parameters in the flow, 20 M in the vocoder. */
export const PUBLISHED: DecoderGeometry = {
  encoder: { width: 512, heads: 8, hidden: 2048, layers: 6 },
  estimator: { width: 256, heads: 8, headSize: 64, transformers: 4, middle: 12 },
  vocoderWidth: 512,
};

const configYaml = ({ encoder: e, estimator: u, vocoderWidth }: DecoderGeometry): string => `sample_rate: 22050
flow: !new:cosyvoice.flow.flow.MaskedDiffWithXvec
    input_size: ${e.width}
    output_size: 80
    spk_embed_dim: 192
    output_type: 'mel'
    vocab_size: 8192
    input_frame_rate: 25
    encoder: !new:cosyvoice.transformer.encoder.BlockConformerEncoder
        input_size: ${e.width}
        output_size: ${e.width}
        attention_heads: ${e.heads}
        linear_units: ${e.hidden}
        num_blocks: ${e.layers}
        dropout_rate: 0.1
        positional_dropout_rate: 0.1
        attention_dropout_rate: 0.1
        normalize_before: True
        input_layer: 'linear'
        pos_enc_layer_type: 'rel_pos_espnet'
        selfattention_layer_type: 'block_rel_selfattn'
        use_cnn_module: False
        macaron_style: False
        block_size: 25
    length_regulator: !new:cosyvoice.flow.length_regulator.InterpolateRegulator
        channels: 80
        sampling_ratios: [1, 1, 1, 1]
    decoder: !new:cosyvoice.flow.flow_matching.ConditionalCFM
        in_channels: 240
        n_spks: 1
        spk_emb_dim: 80
        cfm_params: !new:omegaconf.DictConfig
            content:
                sigma_min: 1e-06
                solver: 'euler'
                t_scheduler: 'cosine'
                inference_cfg_rate: 0.7
        estimator: !new:cosyvoice.flow.decoder.ConditionalDecoder
            in_channels: 320
            out_channels: 80
            channels: [${u.width}, ${u.width}]
            dropout: 0
            attention_head_dim: ${u.headSize}
            n_blocks: ${u.transformers}
            num_mid_blocks: ${u.middle}
            num_heads: ${u.heads}
            act_fn: 'gelu'
hift: !new:cosyvoice.hifigan.generator.HiFTGenerator
    in_channels: 80
    base_channels: ${vocoderWidth}
    f0_predictor: !new:cosyvoice.hifigan.f0_predictor.ConvRNNF0Predictor
        num_class: 1
        in_channels: 80
        cond_channels: ${vocoderWidth}
`;

/** Notes every parameter a network asks for instead of looking it up. */
class RecordingScope extends Scope {
  readonly #shapes: Map<string, readonly number[]>;

  constructor(graph: Graph, shapes: Map<string, readonly number[]>, path = "") {
    super(graph, () => undefined, path);
    this.#shapes = shapes;
  }

  override at(...names: (string | number)[]): Scope {
    return new RecordingScope(this.graph, this.#shapes, [this.path, ...names].filter((s) => s !== "").join("."));
  }

  override tensor(name: string, shape: readonly number[]): Tensor {
    const full = this.path ? `${this.path}.${name}` : name;
    this.#shapes.set(full, shape);
    const data: ParameterData = { dtype: "F32", shape, read: async () => new Uint8Array(0) };
    return this.graph.parameter(full, data);
  }
}

function shapesOf(...networks: ((graph: Graph, p: Scope) => Record<string, Tensor>)[]) {
  const shapes = new Map<string, readonly number[]>();
  for (const network of networks) buildGraph("shapes", (g) => network(g, new RecordingScope(g, shapes)));
  return shapes;
}

const plainInHift = /^(source\.|source_downs\.|f0_predictor\.classifier\.)/;

/** Norms are 1 and 0, α of Snake 1, biases small, other weights uniform with the variance 1 / inputs. */
function fill(name: string, shape: readonly number[], random: () => number): Float32Array {
  const size = shape.reduce((p, n) => p * n, 1);
  if (name.endsWith("alpha") || (shape.length === 1 && name.endsWith("weight"))) return new Float32Array(size).fill(1);
  const inputs = shape.length === 1 ? 1e4 : shape.slice(1).reduce((p, n) => p * n, 1);
  const range = Math.sqrt(3 / inputs);
  return Float32Array.from({ length: size }, () => (2 * random() - 1) * range);
}

export async function writeRandomDecoder(directory: string, geometry = PUBLISHED, seed = 1): Promise<void> {
  const folder = join(directory, "decoder");
  mkdirSync(folder, { recursive: true });
  const yaml = configYaml(geometry);
  writeFileSync(join(folder, "config.yaml"), yaml);
  const config = parseDecoderConfig(yaml);
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const stored = (values: Float32Array, shape: readonly number[]): LazyTensor => ({
    dtype: "F32",
    shape,
    data: () => new Uint8Array(values.buffer),
  });

  const flow = new Map<string, LazyTensor>();
  const flowShapes = shapesOf(
    (g, p) => flowEncoderGraph(g, p, config.flow),
    (g, p) => eulerStepGraph(g, p, config.flow.decoder),
  );
  for (const [name, shape] of flowShapes) flow.set(name, stored(fill(name, shape, random), shape));
  await writeSafetensorsFile(join(folder, "flow.safetensors"), flow);

  const vocoder = new Map<string, LazyTensor>();
  const vocoderShapes = shapesOf(
    (g, p) => f0Graph(g, p.at("f0_predictor"), config.hift.f0_predictor),
    (g, p) => hiftGraph(g, p, config.hift),
  );
  vocoderShapes.set("source.l_linear.weight", [1, config.hift.nb_harmonics + 1]).set("source.l_linear.bias", [1]);
  for (const [name, shape] of vocoderShapes) {
    const values = fill(name, shape, random);
    if (!name.endsWith(".weight") || plainInHift.test(name)) {
      vocoder.set(name, stored(values, shape));
      continue;
    }
    // weight-normed: the direction and, so that the fold changes nothing, its length
    const rows = shape[0] as number;
    const row = values.length / rows;
    const lengths = Float32Array.from({ length: rows }, (_, i) =>
      Math.sqrt(values.subarray(i * row, (i + 1) * row).reduce((s, v) => s + v * v, 0)),
    );
    vocoder.set(`${name}_v`, stored(values, shape));
    vocoder.set(`${name}_g`, stored(lengths, [rows, ...shape.slice(1).map(() => 1)]));
  }
  await writeSafetensorsFile(join(folder, "hift.safetensors"), vocoder);
}

if (process.argv[1]?.endsWith("random-decoder.ts")) {
  const directory = process.argv[2];
  if (!directory) throw new Error("give a directory to write decoder/ to");
  await writeRandomDecoder(directory);
}
