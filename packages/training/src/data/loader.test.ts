import { encodeWav } from "@uat/audio";
import { describe, expect, it } from "vitest";
import { TrainingError } from "../errors.ts";
import { Random } from "../random.ts";
import type { BatchItem } from "./collate.ts";
import type { ExampleSource } from "./example.ts";
import { type Batch, type LoaderOptions, loadBatches } from "./loader.ts";
import { inOrder, Mixture } from "./mixture.ts";

/** Clips of their row's number of samples; those of `bad` are no audio. */
const source = (length: number, bad: readonly number[] = []): ExampleSource => ({
  name: "made",
  length,
  async example(row) {
    const random = new Random(row);
    const samples = Float32Array.from({ length: 1000 + row }, () => random.uniform(-0.5, 0.5));
    const bytes = bad.includes(row) ? new Uint8Array(100) : encodeWav([samples], 16000, "f32");
    return { id: `made:${row}`, audio: { bytes, name: `made:${row}` }, labels: { row } };
  },
  async close() {},
});

const collate = (items: readonly BatchItem[]) => ({
  lengths: { data: Int32Array.from(items, ({ length }) => length), shape: [items.length] },
  first: { data: Float32Array.from(items, ({ tensors }) => tensors.samples!.data[0] as number), shape: [items.length] },
});

const options = (more: Partial<LoaderOptions>): LoaderOptions => ({
  stream: new Mixture([{ source: source(50), weight: 1 }], 1),
  batchSize: 4,
  prepare: { name: "samples", sampleRate: 16000, augment: { gain: { probability: 0.5, decibels: [-20, 0] } } },
  collate,
  seed: 3,
  workers: 0,
  ...more,
});

async function take(count: number, more: Partial<LoaderOptions> = {}): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of loadBatches(options(more))) if (batches.push(batch) === count) break;
  return batches;
}

describe("loadBatches", () => {
  it("gives batches in the stream's order, with their positions and labels", async () => {
    const mixture = new Mixture([{ source: source(50), weight: 1 }], 1);
    const batches = await take(30);
    for (const [i, batch] of batches.entries()) {
      expect([batch.position, batch.next, batch.unreadable]).toEqual([4 * i, 4 * i + 4, []]);
      const rows = [0, 1, 2, 3].map((k) => mixture.draw(4 * i + k).row);
      expect(batch.ids).toEqual(rows.map((row) => `made:${row}`));
      expect(batch.examples.map(({ labels }) => labels.row)).toEqual(rows);
      expect(Array.from(batch.tensors.lengths!.data, Number)).toEqual(rows.map((row) => 1000 + row));
    }
  });

  it("goes on from any batch as if it had never stopped", async () => {
    const whole = await take(20, { stream: new Mixture([{ source: source(300, [7, 100]), weight: 1 }], 1) });
    for (const stop of [1, 7, 13]) {
      const rest = await take(20 - stop, {
        stream: new Mixture([{ source: source(300, [7, 100]), weight: 1 }], 1),
        from: whole[stop - 1]!.next,
      });
      expect(rest).toEqual(whole.slice(stop));
    }
  });

  it("draws other changes for a clip in another epoch, by another seed, but not by another rank's share", async () => {
    const quick = (more: Partial<LoaderOptions>) => take(50, { ...more, batchSize: 1 });
    const firstSamples = (batches: Batch[]) =>
      new Map(batches.map(({ ids, tensors }) => [ids[0], tensors.first!.data[0]]));
    const one = firstSamples(await quick({}));
    const later = firstSamples(await quick({ from: 50 }));
    const reseeded = firstSamples(await quick({ seed: 4 }));
    expect([...one].some(([id, value]) => later.get(id) !== value)).toBe(true);
    expect([...one].some(([id, value]) => reseeded.get(id) !== value)).toBe(true);
    const halves = await Promise.all(
      [0, 1].map((rank) =>
        take(25, { batchSize: 1, stream: new Mixture([{ source: source(50), weight: 1 }], 1, { rank, world: 2 }) }),
      ),
    );
    expect(firstSamples(halves.flat())).toEqual(
      new Map([...firstSamples(halves.flat()).keys()].map((id) => [id, one.get(id)])),
    );
  });

  it("shows a finite stream once, the last batch smaller", async () => {
    const batches = await take(99, { stream: inOrder([source(10)]) });
    expect(batches.map(({ ids }) => ids.length)).toEqual([4, 4, 2]);
    expect(batches.flatMap(({ ids }) => ids)).toEqual(Array.from({ length: 10 }, (_, i) => `made:${i}`));
  });

  it("puts the next clip in the place of one that cannot be read, and lists it", async () => {
    const batches = await take(99, { stream: inOrder([source(200, [5, 150])]) });
    expect(batches[1]!.ids).toEqual(["made:4", "made:6", "made:7", "made:8"]);
    expect([batches[1]!.position, batches[1]!.next]).toEqual([4, 9]);
    expect(batches.flatMap(({ unreadable }) => unreadable.map(({ id }) => id))).toEqual(["made:5", "made:150"]);
    expect(batches[1]!.unreadable[0]!.reason).toMatch(/made:5: not an audio format known here/);
    expect(batches.flatMap(({ ids }) => ids).length).toBe(198);
  });

  it("stops when more than 1 % of the clips cannot be read, naming the first", async () => {
    const bad = [3, 50, 60, 70, 80];
    await expect(take(99, { stream: inOrder([source(300, bad)]) })).rejects.toThrow(
      /^5 of 100 clips cannot be read, more than 1 %: made:3: not .*; made:50: .*; made:60: .*; and 2 more; mend them/,
    );
    // a list of fewer clips is judged when all have been seen
    await expect(take(99, { stream: new Mixture([{ source: source(20, [3]), weight: 1 }], 1) })).rejects.toThrow(
      /^1 of 20 clips cannot be read/,
    );
    await expect(take(99, { stream: inOrder([source(3, [0, 1, 2])]) })).rejects.toThrow(/^3 of 3 clips/);
    const all = source(
      20,
      Array.from({ length: 20 }, (_, i) => i),
    );
    await expect(
      take(99, { stream: new Mixture([{ source: all, weight: 1 }], 1), maxUnreadableShare: 1 }),
    ).rejects.toThrow(/^20 of 20 clips cannot be read/);
    expect((await take(99, { stream: inOrder([source(20, [3, 4])]), maxUnreadableShare: 0.1 })).length).toBe(5);
    // two bad ones among the first hundred say little about a long list, exactly 1 % is put up with
    expect((await take(99, { stream: inOrder([source(200, [3, 50])]) })).length).toBe(50);
    expect((await take(99, { stream: inOrder([source(200, [3, 150])]) })).length).toBe(50);
  });

  it("gives all batches before a row that stops the run", async () => {
    const broken: ExampleSource = {
      ...source(50),
      async example(row) {
        if (row === 9) throw new TrainingError("made:9: column text is 3");
        return source(50).example(row);
      },
    };
    const seen: string[] = [];
    await expect(
      (async () => {
        for await (const { ids } of loadBatches(options({ stream: inOrder([broken]) }))) seen.push(...ids);
      })(),
    ).rejects.toThrow("made:9: column text is 3");
    expect(seen).toEqual(Array.from({ length: 8 }, (_, i) => `made:${i}`));
  });

  it("refuses sizes that mean nothing", async () => {
    await expect(take(1, { batchSize: 0 })).rejects.toThrow("batch size 0; expected a whole number from 1");
    await expect(take(1, { workers: -1 })).rejects.toThrow("-1 data threads");
    await expect(take(1, { prepare: { name: "nothing" } as never })).rejects.toThrow(/preparation: name/);
  });
});
