/** Test helper: a Whisper checkpoint of a few thousand random weights, in memory, as the files of a folder. */
import { type ModelFiles, memoryFiles } from "universal-audio-tokenizer/internal";

export const TINY = {
  d_model: 16,
  encoder_layers: 1,
  encoder_attention_heads: 2,
  encoder_ffn_dim: 24,
  decoder_layers: 2,
  decoder_attention_heads: 4,
  decoder_ffn_dim: 24,
  num_mel_bins: 80,
  max_source_positions: 50,
  max_target_positions: 24,
  vocab_size: 51865,
  eos_token_id: 60,
  decoder_start_token_id: 61,
  // so many that greedy decoding meets them
  suppress_tokens: Array.from({ length: 30 }, (_, i) => 2 * i),
  begin_suppress_tokens: [...Array.from({ length: 15 }, (_, i) => 4 * i + 1), 60],
};

const SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|de|>", "<|transcribe|>", "<|notimestamps|>"];

/** Uniform in [−1, 1), reproducible. */
function* noise(): Generator<number, never> {
  for (let state = 12345; ; ) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield (state >>> 8) / 2 ** 23 - 1;
  }
}

/** The tensors of a checkpoint with this configuration, all float32. */
function shapes(c: typeof TINY): Map<string, number[]> {
  const out = new Map<string, number[]>();
  const d = c.d_model;
  const norm = (name: string) => out.set(`${name}.weight`, [d]).set(`${name}.bias`, [d]);
  const linear = (name: string, to: number, from: number) =>
    out.set(`${name}.weight`, [to, from]).set(`${name}.bias`, [to]);
  const attention = (name: string) => {
    for (const part of ["q_proj", "v_proj", "out_proj"]) linear(`${name}.${part}`, d, d);
    out.set(`${name}.k_proj.weight`, [d, d]);
    norm(`${name}_layer_norm`);
  };
  const layers = (side: "encoder" | "decoder") => {
    for (let n = 0; n < c[`${side}_layers`]; n++) {
      const at = `model.${side}.layers.${n}`;
      attention(`${at}.self_attn`);
      if (side === "decoder") attention(`${at}.encoder_attn`);
      linear(`${at}.fc1`, c[`${side}_ffn_dim`], d);
      linear(`${at}.fc2`, d, c[`${side}_ffn_dim`]);
      norm(`${at}.final_layer_norm`);
    }
    norm(`model.${side}.layer_norm`);
  };
  out.set("model.encoder.conv1.weight", [d, c.num_mel_bins, 3]).set("model.encoder.conv1.bias", [d]);
  out.set("model.encoder.conv2.weight", [d, d, 3]).set("model.encoder.conv2.bias", [d]);
  out.set("model.encoder.embed_positions.weight", [c.max_source_positions, d]);
  out.set("model.decoder.embed_tokens.weight", [c.vocab_size, d]);
  out.set("model.decoder.embed_positions.weight", [c.max_target_positions, d]);
  layers("encoder");
  layers("decoder");
  return out;
}

/** Ids 0 … 59 are `a0` … and stand for their own text, special tokens follow. */
export function tinyWhisper(changes: Partial<Record<keyof typeof TINY, unknown>> = {}): ModelFiles {
  const random = noise();
  const header: Record<string, unknown> = {};
  const values: number[] = [];
  for (const [name, shape] of shapes(TINY)) {
    const begin = values.length * 4;
    const count = shape.reduce((p, s) => p * s, 1);
    for (let i = 0; i < count; i++) values.push(random.next().value * 0.7);
    header[name] = { dtype: "F32", shape, data_offsets: [begin, values.length * 4] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  const vocab = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`Ġa${i}`, i]));
  return memoryFiles({
    "config.json": JSON.stringify({ ...TINY, ...changes }),
    "tokenizer.json": JSON.stringify({
      model: { vocab },
      added_tokens: SPECIAL.map((content, i) => ({ id: 60 + i, content })),
    }),
    "model.safetensors": Buffer.concat([length, json, Buffer.from(Float32Array.from(values).buffer)]),
  });
}
