import { describe, expect, test } from "vitest";
import type { BatchItem } from "./collate.ts";
import { tokenizerCollate } from "./collate.ts";
import { withoutCopies } from "./copies.ts";
import { parsePreparation, type TokenizerClips } from "./prepare.ts";

const features = (value: number, frames: number) => ({
  data: new Float32Array(80 * frames).fill(value),
  shape: [80, frames],
});

describe("batches of clips and their copies", () => {
  const preparation = parsePreparation({
    name: "tokenizer",
    mels: 80,
    copy: { noise: { probability: 1, ratio: [20, 20], colours: ["white"] } },
  }) as TokenizerClips;
  const item = (id: string, value: number, frames: number): BatchItem => ({
    tensors: { features: features(value, frames), copy_features: features(value + 0.5, frames) },
    length: (frames - 2) * 160,
    speed: 1,
    example: { id, audio: { path: id }, labels: {}, tags: [id] },
  });
  const batch = tokenizerCollate({
    preparation,
    padding: "longest",
    targets: { tags: { classes: 2, encode: ({ id }) => Float32Array.of(id === "a" ? 1 : 0, id === "b" ? 1 : 0) } },
  })([item("a", 1, 10), item("b", 2, 6)]);

  test("each clip is followed by its copy, with the clip's own features and labels as the goal", () => {
    const row = (name: string, r: number) => {
      const { data, shape } = batch[name]!;
      return (data as Float32Array)[r * shape.slice(1).reduce((a, b) => a * b, 1)];
    };
    expect(batch.input_features!.shape).toEqual([4, 80, 12]);
    expect([0, 1, 2, 3].map((r) => row("input_features", r))).toEqual([1, 1.5, 2, 2.5]);
    expect([0, 1, 2, 3].map((r) => row("target_features", r))).toEqual([1, 1, 2, 2]);
    expect([...batch.tags!.data]).toEqual([1, 0, 1, 0, 0, 1, 0, 1]);
    expect([...batch.originals!.data]).toEqual([0, 2]);
    expect([...batch.copies!.data]).toEqual([1, 3]);
  });

  test("masks without copies keep the originals", () => {
    const { data } = withoutCopies(batch.attention_mask!);
    const sums = [0, 1, 2, 3].map((r) =>
      [...data.subarray(r * 12, (r + 1) * 12)].reduce((a, b) => Number(a) + Number(b), 0),
    );
    expect(sums).toEqual([8, 0, 4, 0]);
  });
});
