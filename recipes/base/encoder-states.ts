/** Whisper's pooled hidden states of all clips: what the codebook is fitted to. */
import { padWithZeros, paddedLength, WHISPER_HOP_LENGTH, whisperFeatures } from "@uat/audio";
import { buildGraph, compile, type Program, type Runtime, Scope } from "@uat/graph";
import { directoryFiles, openSafetensorsModel, parametersOf, stripPrefix, whisperVq } from "universal-audio-tokenizer/internal";
import type { Clip, Shard } from "./shard.ts";
import { tokenizerConfig } from "./tokenizer-config.ts";

/** Samples of one token: 40 ms. */
const STRIDE = 640;
const PIECE = 480_000;

/** Whisper's first layers with pooling, up to where the quantiser will be. */
async function compileEncoder(runtime: Runtime, whisper: string): Promise<Program> {
  const store = stripPrefix(await openSafetensorsModel(directoryFiles(whisper), "model"), "model.encoder.");
  const config = { ...tokenizerConfig(), quantize_vocab_size: null };
  const graph = buildGraph("encoder", (g) => {
    const { post_pool } = whisperVq(g, new Scope(g, parametersOf(store)), config);
    return { states: post_pool as NonNullable<typeof post_pool> };
  });
  return compile(runtime, graph);
}

/** States of all clips, [rows, 512]: 25 rows a second, as the tokeniser will see them. */
export async function encoderStates(
  runtime: Runtime,
  whisper: string,
  shard: Shard,
  clips: readonly Clip[],
  log: (line: string) => void,
): Promise<{ states: Float32Array; rows: number }> {
  const config = tokenizerConfig();
  const program = await compileEncoder(runtime, whisper);
  const rowsOf = (length: number): number => {
    let rows = 0;
    for (let at = 0; at < length; at += PIECE) rows += Math.ceil(Math.min(PIECE, length - at) / STRIDE);
    return rows;
  };
  const rows = clips.reduce((n, c) => n + rowsOf(c.length), 0);
  const states = new Float32Array(rows * config.d_model);
  let at = 0;
  for (const [i, clip] of clips.entries()) {
    const samples = await shard.read(clip);
    for (let start = 0; start < samples.length; start += PIECE) {
      const piece = samples.subarray(start, start + PIECE);
      const { data, mels, frames } = whisperFeatures(padWithZeros(piece, paddedLength(piece.length, STRIDE)), config.num_mel_bins);
      const mask = new Int32Array(frames).fill(1, 0, Math.ceil(piece.length / WHISPER_HOP_LENGTH));
      const result = await program.run({
        input_features: { data, shape: [1, mels, frames] },
        attention_mask: { data: mask, shape: [1, frames] },
      });
      const count = Math.ceil(piece.length / STRIDE) * config.d_model;
      states.set((result.states?.data as Float32Array).subarray(0, count), at);
      at += count;
    }
    if (i % 500 === 499) log(`  encoded ${i + 1} of ${clips.length} clips`);
  }
  await program.dispose();
  return { states, rows };
}
