/** What the encoder makes of audio just before the quantiser: what codebooks are fitted to. */
import { paddedLength, padWithZeros, WHISPER_HOP_LENGTH, whisperFeatures } from "@uat/audio";
import { buildGraph, compile, type ParameterSource, type Runtime, Scope } from "@uat/graph";
import { type WhisperVqConfig, whisperVq } from "universal-audio-tokenizer/internal";
import type { Piece } from "./pieces.ts";

/** Samples of one token: 40 ms. */
const STRIDE = 640;

/**
 * The value `tap` of all pieces, [rows, d]: 25 rows a second, as the quantiser will see them.
 * @param parameters by their names within the encoder.
 */
export async function encoderStates(
  runtime: Runtime,
  parameters: ParameterSource,
  config: WhisperVqConfig,
  tap: "fused" | "searched",
  pieces: readonly Piece[],
  log: (line: string) => void,
): Promise<{ states: Float32Array; rows: number }> {
  const graph = buildGraph("encoder", (g) => {
    const taps = whisperVq(g, new Scope(g, parameters), config);
    return { states: taps[tap] as NonNullable<(typeof taps)[string]> };
  });
  const program = await compile(runtime, graph);
  const rows = pieces.reduce((n, { length }) => n + Math.ceil(length / STRIDE), 0);
  const states = new Float32Array(rows * config.d_model);
  let at = 0;
  for (const [i, piece] of pieces.entries()) {
    const samples = await piece.read();
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
    if (i % 100 === 99) log(`  encoded ${i + 1} of ${pieces.length} pieces`);
  }
  await program.dispose();
  return { states, rows };
}
