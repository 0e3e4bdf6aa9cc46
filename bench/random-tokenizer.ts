/** Writes a tokeniser checkpoint of any Whisper geometry with random weights, in the official layout. */

import { once } from "node:events";
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TokenizerGeometry {
  readonly d: number;
  readonly heads: number;
  /** Layers up to the quantiser. */
  readonly layers: number;
  readonly mels: number;
  /** 0: mean pooling before layer 1; n: after layer n. */
  readonly poolingPosition: number;
}

export const LARGE_V3: TokenizerGeometry = { d: 1280, heads: 20, layers: 16, mels: 128, poolingPosition: 0 };
export const BASE_LATE: TokenizerGeometry = { d: 512, heads: 8, layers: 4, mels: 80, poolingPosition: 4 };

const CODES = 8192;

function tensorShapes({ d, layers, mels }: TokenizerGeometry): Map<string, number[]> {
  const shapes = new Map<string, number[]>([
    ["codebook.weight", [CODES, d]],
    ["conv1.weight", [d, mels, 3]],
    ["conv1.bias", [d]],
    ["conv2.weight", [d, d, 3]],
    ["conv2.bias", [d]],
    ["embed_positions.weight", [1500, d]],
    ["embed_positions2.weight", [750, d]],
  ]);
  for (let i = 0; i < layers; i++) {
    const at = (name: string, ...shape: number[]) => shapes.set(`layers.${i}.${name}`, shape);
    for (const norm of ["self_attn_layer_norm", "final_layer_norm"]) {
      at(`${norm}.weight`, d);
      at(`${norm}.bias`, d);
    }
    for (const proj of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      at(`self_attn.${proj}.weight`, d, d);
      if (proj !== "k_proj") at(`self_attn.${proj}.bias`, d);
    }
    at("fc1.weight", 4 * d, d);
    at("fc1.bias", 4 * d);
    at("fc2.weight", d, 4 * d);
    at("fc2.bias", d);
  }
  return shapes;
}

/** Values of a weight: norms are 1 and 0, the others uniform with the variance 1 / inputs. */
function fill(name: string, shape: readonly number[], random: () => number): Float32Array {
  const size = shape.reduce((p, n) => p * n, 1);
  if (name.endsWith("norm.weight")) return new Float32Array(size).fill(1);
  if (shape.length === 1) return new Float32Array(size);
  const inputs =
    name.startsWith("codebook") || name.startsWith("embed") ? 3 : shape.slice(1).reduce((p, n) => p * n, 1);
  const range = Math.sqrt(3 / inputs);
  return Float32Array.from({ length: size }, () => (2 * random() - 1) * range);
}

export async function writeRandomTokenizer(folder: string, geometry: TokenizerGeometry, seed = 1): Promise<void> {
  const tokenizer = join(folder, "tokenizer");
  mkdirSync(tokenizer, { recursive: true });
  const { d, heads, layers, mels, poolingPosition } = geometry;
  const config = {
    model_type: "whisper",
    d_model: d,
    encoder_attention_heads: heads,
    decoder_attention_heads: heads,
    encoder_ffn_dim: 4 * d,
    decoder_ffn_dim: 4 * d,
    encoder_layers: Math.max(layers, 6),
    decoder_layers: 6,
    num_mel_bins: mels,
    max_source_positions: 1500,
    max_target_positions: 448,
    vocab_size: 51866,
    pooling_kernel_size: 2,
    pooling_type: "avg",
    pooling_position: poolingPosition,
    quantize_vocab_size: CODES,
    quantize_position: layers,
    quantize_encoder_only: true,
  };
  writeFileSync(join(tokenizer, "config.json"), JSON.stringify(config, null, 2));
  const preprocessor = {
    feature_extractor_type: "WhisperFeatureExtractor",
    feature_size: mels,
    hop_length: 160,
    n_fft: 400,
    sampling_rate: 16000,
    chunk_length: 30,
  };
  writeFileSync(join(tokenizer, "preprocessor_config.json"), JSON.stringify(preprocessor, null, 2));

  const shapes = tensorShapes(geometry);
  const header: Record<string, unknown> = {};
  let offset = 0;
  for (const [name, shape] of shapes) {
    const bytes = 4 * shape.reduce((p, n) => p * n, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [offset, offset + bytes] };
    offset += bytes;
  }
  const text = JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8, " ");
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(padded.length), true);
  const out = createWriteStream(join(tokenizer, "model.safetensors"));
  let state = seed >>> 0;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  out.write(length);
  out.write(padded);
  for (const [name, shape] of shapes) {
    if (!out.write(new Uint8Array(fill(name, shape, random).buffer))) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}
