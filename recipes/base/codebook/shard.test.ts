import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@uat/training";
import { expect, it } from "vitest";
import { makeSegments } from "./segments.ts";
import { type Clip, minutesOf, SHARD_SAMPLE_RATE, Shard, ShardWriter } from "./shard.ts";

const facts = (label: string): Omit<Clip, "offset" | "length"> => ({
  class: "sound",
  source: "made",
  path: label,
  licence: "CC0-1.0",
  label,
  originalRate: 16000,
});

it("gives back what was written, clip by clip and joined", async () => {
  const base = join(mkdtempSync(join(tmpdir(), "shard-")), "audio");
  const writer = await ShardWriter.create(base);
  await writer.add(Float32Array.of(0, 0.5, -0.25), facts("a"));
  await writer.add(Float32Array.of(2, -2), facts("b"));
  await writer.close();
  const shard = await Shard.open(base);
  expect(shard.clips.map((clip) => clip.label)).toEqual(["a", "b"]);
  expect([...(await shard.read(shard.clips[0]!))]).toEqual([0, 0.5, -0.25]);
  expect([...(await shard.readJoined(shard.clips))]).toEqual([0, 0.5, -0.25, 32767 / 32768, -1]);
  expect(minutesOf(shard.clips)["sound CC0-1.0"]).toBeCloseTo(5 / 16000 / 60, 12);
  await shard.close();
});

it("strings clips of one class together, each once, below 30 s", () => {
  const random = new Random(1);
  const clips: Clip[] = Array.from({ length: 200 }, (_, i) => ({
    ...facts(String(i)),
    class: i % 3 === 0 ? "speech" : "sound",
    offset: i,
    length: Math.floor(random.uniform(0.1, 29) * SHARD_SAMPLE_RATE),
  }));
  const segments = makeSegments(clips, random);
  expect(segments.flat().length).toBe(200);
  expect(new Set(segments.flat()).size).toBe(200);
  for (const segment of segments) {
    expect(new Set(segment.map((clip) => clip.class)).size).toBe(1);
    expect(segment.reduce((sum, clip) => sum + clip.length, 0)).toBeLessThanOrEqual(30 * SHARD_SAMPLE_RATE);
  }
});
