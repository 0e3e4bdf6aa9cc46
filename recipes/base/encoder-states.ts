/** Whisper's pooled hidden states of all training audio: what the codebook is fitted to. */
import { paddedLength, padWithZeros, WHISPER_HOP_LENGTH, whisperFeatures } from "@uat/audio";
import { buildGraph, compile, type Program, type Runtime, Scope } from "@uat/graph";
import {
  directoryFiles,
  openSafetensorsModel,
  parametersOf,
  stripPrefix,
  whisperVq,
} from "universal-audio-tokenizer/internal";
import type { Clip, Shard } from "./shard.ts";
import { tokenizerConfig } from "./tokenizer-config.ts";

/** Samples of one token: 40 ms. */
const STRIDE = 640;

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

/** States of all segments, [rows, 512]: 25 rows a second, as the tokeniser will see them. */
export async function encoderStates(
  runtime: Runtime,
  whisper: string,
  shard: Shard,
  segments: readonly (readonly Clip[])[],
  log: (line: string) => void,
): Promise<{ states: Float32Array; rows: number }> {
  const config = tokenizerConfig();
  const program = await compileEncoder(runtime, whisper);
  const lengthOf = (segment: readonly Clip[]) => segment.reduce((n, c) => n + c.length, 0);
  const rows = segments.reduce((n, s) => n + Math.ceil(lengthOf(s) / STRIDE), 0);
  const states = new Float32Array(rows * config.d_model);
  let at = 0;
  for (const [i, segment] of segments.entries()) {
    const samples = await shard.readJoined(segment);
    const padded = padWithZeros(samples, paddedLength(samples.length, STRIDE));
    const { data, mels, frames } = whisperFeatures(padded, config.num_mel_bins);
    const mask = new Int32Array(frames).fill(1, 0, Math.ceil(samples.length / WHISPER_HOP_LENGTH));
    const result = await program.run({
      input_features: { data, shape: [1, mels, frames] },
      attention_mask: { data: mask, shape: [1, frames] },
    });
    const count = Math.ceil(samples.length / STRIDE) * config.d_model;
    states.set((result.states as { data: Float32Array }).data.subarray(0, count), at);
    at += count;
    if (i % 100 === 99) log(`  encoded ${i + 1} of ${segments.length} pieces`);
  }
  await program.dispose();
  return { states, rows };
}
