/** Pieces of audio to encode: of a shard, or of lists of clips, strung together to varied lengths. */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadSpeechSamples } from "@uat/audio";
import { Random } from "@uat/training";
import { readTable } from "../lists/lists.ts";
import { makeSegments } from "./segments.ts";
import { SHARD_SAMPLE_RATE, type Shard } from "./shard.ts";

export interface Piece {
  /** Samples at 16 kHz, 30 s at most. */
  readonly length: number;
  read(): Promise<Float32Array>;
}

/** Longest clip that is taken whole, seconds. */
const LONGEST_SECONDS = 29;

/** Pieces of a shard's clips, about so many minutes of them. */
export function shardPieces(shard: Shard, minutes: number, seed: number): Piece[] {
  const pieces = makeSegments(shard.clips, new Random(seed)).map((clips) => ({
    length: clips.reduce((n, { length }) => n + length, 0),
    read: () => shard.readJoined(clips),
  }));
  return firstMinutes(pieces, minutes);
}

/** Pieces of the clips of a list with durations, about so many minutes of them. */
export function listPieces(list: string, minutes: number, seed: number): Piece[] {
  const random = new Random(seed);
  const rows = readTable(list);
  const pieces: Piece[] = [];
  let parts: { path: string; length: number }[] = [];
  let target = 0;
  const total = () => parts.reduce((n, { length }) => n + length, 0);
  const flush = () => {
    const clips = parts;
    if (clips.length > 0) pieces.push({ length: total(), read: () => readClips(clips) });
    parts = [];
    target = random.uniform(2, LONGEST_SECONDS) * SHARD_SAMPLE_RATE;
  };
  flush();
  for (const i of random.sample(rows.length, rows.length)) {
    const { path, duration } = rows[i]!;
    const length = Math.floor(Math.min(Number(duration), LONGEST_SECONDS) * SHARD_SAMPLE_RATE);
    if (total() >= target || total() + length > LONGEST_SECONDS * SHARD_SAMPLE_RATE) flush();
    parts.push({ path: join(dirname(list), path!), length });
  }
  flush();
  return firstMinutes(pieces, minutes);
}

async function readClips(clips: readonly { path: string; length: number }[]): Promise<Float32Array> {
  const joined = new Float32Array(clips.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const { path, length } of clips) {
    const { samples } = await loadSpeechSamples(await readFile(path), {
      sampleRate: SHARD_SAMPLE_RATE,
      channel: "mean",
    });
    joined.set(samples.subarray(0, length), at);
    at += length;
  }
  return joined;
}

function firstMinutes(pieces: readonly Piece[], minutes: number): Piece[] {
  let left = minutes * 60 * SHARD_SAMPLE_RATE;
  return pieces.filter(({ length }) => (left -= length) > 0);
}
