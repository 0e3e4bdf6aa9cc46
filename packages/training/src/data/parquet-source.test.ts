import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeAudio } from "@uat/audio";
import { parquetWriteBuffer } from "hyparquet-writer";
import { describe, expect, it } from "vitest";
import { TrainingError } from "../errors.ts";
import { allExamples, fixturePath, temporaryFolder } from "./fixtures.ts";
import { openParquetSource } from "./parquet-source.ts";
import { shuffledBlocks } from "./permutation.ts";

const HF = fixturePath("datasets/hf-audio.parquet");

const write = (path: string, columnData: Parameters<typeof parquetWriteBuffer>[0]["columnData"], rowGroupSize = 100) =>
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize })));

describe("Hugging Face's audio layout", () => {
  it("is read with texts, class names and speakers", async () => {
    const source = await openParquetSource([HF]);
    expect(source.length).toBe(5);
    const examples = await allExamples(source);
    expect(examples.map(({ text }) => text)).toEqual(["one", "two", undefined, "four", "fünf"]);
    expect(examples.map(({ tags }) => tags)).toEqual([["cat"], ["dog"], ["dog"], ["cat"], ["dog"]]);
    expect(examples.map(({ speaker }) => speaker)).toEqual(["7", "7", "8", "8", "9"]);
    expect(examples[3]?.id).toBe(`${HF}#3`);
    for (const [i, { audio }] of examples.entries()) {
      const { channels, sampleRate } = await decodeAudio((audio as { bytes: Uint8Array }).bytes);
      // a tone of 200 + 100·i Hz crosses zero upwards so often in 50 ms
      const rising = channels[0]!.filter((value, t, all) => t > 0 && all[t - 1]! < 0 && value >= 0).length;
      expect([sampleRate, channels[0]!.length]).toEqual([16000, 800]);
      expect(Math.abs(rising - (200 + 100 * i) * 0.05)).toBeLessThanOrEqual(1);
    }
  });

  it("is shuffled within the row groups that may be kept", async () => {
    const { blocks } = await openParquetSource([HF], { keptBytes: 16_000 });
    expect([...blocks!.starts]).toEqual([0, 2, 4, 5]);
    expect(blocks!.window).toBe(2);
    const order = shuffledBlocks(blocks!, 1);
    expect([0, 1, 2, 3, 4].map(order).sort()).toEqual([0, 1, 2, 3, 4]);
    // however little may be kept, rows come out right
    const tight = await openParquetSource([HF], { keptBytes: 1 });
    expect((await allExamples(tight)).map(({ text }) => text)).toEqual(["one", "two", undefined, "four", "fünf"]);
  });

  it("takes class names for text where the configuration says so", async () => {
    const source = await openParquetSource([HF], { columns: { text: "label" }, task: "ser" });
    expect((await source.example(2)).text).toBe("dog");
    expect((await source.example(2)).task).toBe("ser");
    expect((await source.example(0)).labels).toEqual({ sentence: "one" });
  });
});

describe("paths", () => {
  it.each(["none", "snappy", "gzip", "brotli"])("are read from files packed by %s", async (codec) => {
    const path = fixturePath(`datasets/paths-${codec}.parquet`);
    const examples = await allExamples(await openParquetSource([path]));
    expect(examples.map(({ audio }) => audio)).toEqual(
      [0, 1, 2, 3].map((i) => ({ path: fixturePath(`datasets/clips/${i}.wav`) })),
    );
    expect(examples.map(({ tags }) => tags)).toEqual([["rain"], ["rain", "wind"], [], undefined]);
    expect(examples.map(({ duration }) => duration)).toEqual([1.5, 2, undefined, 0.25]);
    // bytes that are no audio stay in the file
    expect(examples[0]?.labels).toEqual({});
  });

  it("packed by zstd are read where Node can, and refused in one line where it cannot", async () => {
    const open = openParquetSource([fixturePath("datasets/paths-zstd.parquet")]);
    const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
    if (major > 22 || (major === 22 && minor >= 15)) expect((await open).length).toBe(4);
    else await expect(open).rejects.toThrow(/compressed by ZSTD; expected .*; use Node 22.15 or newer, or write it/);
  });

  it("start from the folder that is given", async () => {
    const path = fixturePath("datasets/paths-none.parquet");
    const source = await openParquetSource([path], { audioFolder: "/audio" });
    expect((await source.example(1)).audio).toEqual({ path: join("/audio", "clips/1.wav") });
  });

  it("of several files follow one another", async () => {
    const folder = temporaryFolder();
    const files = [3, 0, 4].map((rows, i) => {
      const path = join(folder, `${i}.parquet`);
      const names = Array.from({ length: rows }, (_, r) => `${i}-${r}.wav`);
      write(path, [{ name: "path", data: names, type: "STRING" }], 2);
      return path;
    });
    const examples = await allExamples(await openParquetSource(files));
    expect(examples.map(({ id }) => id)).toEqual([
      ...[0, 1, 2].map((r) => `${files[0]}#${r}`),
      ...[0, 1, 2, 3].map((r) => `${files[2]}#${r}`),
    ]);
    expect(examples.map(({ audio }) => audio)).toEqual(
      ["0-0", "0-1", "0-2", "2-0", "2-1", "2-2", "2-3"].map((name) => ({ path: join(folder, `${name}.wav`) })),
    );
  });
});

describe("what cannot be used is told in one line", () => {
  const columns = (...names: string[]) => names.map((name) => ({ name, data: ["x"], type: "STRING" as const }));

  it("a missing column, with those there are", async () => {
    const path = join(temporaryFolder(), "a.parquet");
    write(path, columns("sound", "words"));
    await expect(openParquetSource([path])).rejects.toThrow(
      `${path}: has no audio column (audio, audio_filepath, audio_path, …); its columns are sound, words; name the one that holds it in columns.audio`,
    );
    await expect(openParquetSource([path], { columns: { audio: "sounds" } })).rejects.toThrow(
      `${path}: has no column "sounds"; its columns are sound, words; name one of these`,
    );
    await expect(openParquetSource([path], { columns: { audio: "sound" }, required: ["text"] })).rejects.toThrow(
      /has no text column .* its columns are sound, words/,
    );
  });

  it("a column of the wrong type", async () => {
    const path = join(temporaryFolder(), "a.parquet");
    write(path, [
      { name: "audio", data: [1, 2], type: "INT32" },
      { name: "text", data: [1, 2], type: "INT32" },
      { name: "path", data: ["a", "b"], type: "STRING" },
    ]);
    await expect(openParquetSource([path])).rejects.toThrow(/column "audio" holds numbers; expected paths/);
    await expect(openParquetSource([path], { columns: { audio: "path", text: "text" } })).rejects.toThrow(
      /column "text" holds numbers; expected text/,
    );
  });

  it("no files and no rows", async () => {
    const path = join(temporaryFolder(), "a.parquet");
    write(path, [{ name: "path", data: [], type: "STRING" }]);
    await expect(openParquetSource([path])).rejects.toThrow(`${path}: has no rows`);
    await expect(openParquetSource([])).rejects.toThrow(/an empty list/);
  });

  it("files that are missing, cut short, or something else", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "a.parquet");
    await expect(openParquetSource([path])).rejects.toThrow(`${path}: no such file`);
    writeFileSync(path, "not a list at all");
    await expect(openParquetSource([path])).rejects.toThrow(/cannot be read as Parquet/);
    writeFileSync(path, readFileSync(HF));
    truncateSync(path, statSync(HF).size - 100);
    await expect(openParquetSource([path])).rejects.toThrow(/cannot be read as Parquet/);
  });

  it("bytes that were damaged anywhere", async () => {
    const path = join(temporaryFolder(), "a.parquet");
    const good = readFileSync(HF);
    for (let at = 4; at < good.length; at += 293) {
      const bytes = Buffer.from(good);
      bytes[at]! ^= 0x55;
      writeFileSync(path, bytes);
      try {
        await allExamples(await openParquetSource([path]));
      } catch (error) {
        expect(error).toBeInstanceOf(TrainingError);
        expect((error as Error).message).toMatch(/a\.parquet/);
      }
    }
  });
});
