import { expect, test } from "vitest";
import { melFrames, overlapFrames, sourceTokens } from "../../packages/codec/src/decoders/alignment.ts";
import { readJson } from "./decoder-fixtures.ts";

test("mel frames of 0 to 2000 tokens at every rate", () => {
  const { frames } = readJson("mel_frames_by_tokens.json") as { frames: Record<string, number[]> };
  for (const [rate, counts] of Object.entries(frames))
    expect(counts.map((_, n) => melFrames(n, Number(rate)))).toEqual(counts);
});

test("source token of every frame", () => {
  const tables = readJson("nearest_index_tables.json") as Record<string, number[]>;
  let compared = 0;
  for (const [key, table] of Object.entries(tables)) {
    const [, tokens, frames] = /^(\d+)->(\d+)$/.exec(key) ?? [];
    if (tokens === undefined) continue;
    expect(Array.from(sourceTokens(Number(tokens), Number(frames))), key).toEqual(table);
    compared++;
  }
  expect(compared).toBeGreaterThan(3);
});

test("overlap of 5 tokens", () => {
  expect([25, 12.5].map(overlapFrames)).toEqual([17, 34]);
});
