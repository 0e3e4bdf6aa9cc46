/** Clips from folders and Parquet files, good and bad. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeWav } from "@uat/audio";
import { parquetWriteFile } from "hyparquet-writer";
import { afterAll, describe, expect, test } from "vitest";
import { Random } from "../../random.ts";
import { ClipSpeech, soundItems } from "./clip-rows.ts";
import { folderClips, labelOf } from "./folder.ts";
import { parquetClips } from "./parquet.ts";
import { LONGEST_CLIP } from "./read-clip.ts";
import { UnreadableClip } from "./source.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-clips-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RATE = 16000;
const wav = (hz: number, seconds = 0.5) =>
  encodeWav(
    [Float32Array.from({ length: seconds * 8000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / 8000))],
    8000,
  );

function files(name: string, contents: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(join(folder, name, path, ".."), { recursive: true });
    writeFileSync(join(folder, name, path), content);
  }
  return join(folder, name);
}

const open = (path: string, labels = {}) => folderClips({ name: "source", path, labels, sampleRate: RATE });

test.each([
  ["dog_bark-03", "dog bark"],
  ["CarHorn", "car horn"],
  ["rain (2)", "rain"],
  ["glass.break_1", "glass break"],
  ["42", "42"],
])("the name %s as words", (name, words) => expect(labelOf(name)).toBe(words));

describe("a folder", () => {
  test("gives sub-folders' or files' names as labels, whatever the order on disk", async () => {
    const path = files("named", {
      "dog bark/b.wav": wav(300),
      "dog bark/a.wav": wav(200),
      "Bell_1.wav": wav(900),
      "notes.txt": "x",
    });
    const items = soundItems("source", await open(path, { licence: "CC0-1.0" }));
    expect(items.map((i) => [i.origin.clip, i.label])).toEqual([
      ["Bell_1.wav", "bell"],
      ["dog bark/a.wav", "dog bark"],
      ["dog bark/b.wav", "dog bark"],
    ]);
    const samples = await items[1]!.load(new Random(1));
    expect(samples).toHaveLength(0.5 * RATE);
    expect(await items[1]!.load(new Random(2))).toBe(samples);
  });

  test("takes labels from metadata.tsv, over those of the source", async () => {
    const path = files("table", {
      "x.wav": wav(300),
      "metadata.tsv": "path\tlabel\tlicense\tauthor\nx.wav\tcow\tCC-BY-4.0\tSam\n",
    });
    const [item] = soundItems("source", await open(path, { licence: "CC0-1.0", phrase: "a cow mooing" }));
    expect(item).toMatchObject({
      label: "cow",
      phrase: "a cow mooing",
      origin: { source: "source", clip: "x.wav", licence: "CC-BY-4.0", author: "Sam" },
    });
  });

  test.each([
    ["a missing folder", "gone", {}, /gone: no such folder; expected the clips of source "source"; correct its path/],
    ["a file", "file", { x: "" }, /x: is not a folder/],
    ["no clips", "empty", { "readme.txt": "" }, /empty: has no clips; expected audio files/],
    [
      "no path column",
      "nopath",
      { "metadata.tsv": "file\tlabel\na.wav\tx\n" },
      /metadata\.tsv: has no column "path"; its columns are file, label/,
    ],
    ["an empty path", "nocell", { "metadata.tsv": "path\tlabel\n\tx\n" }, /row 1: its path is empty/],
    ["a ragged table", "ragged", { "metadata.tsv": "path\tlabel\na.wav\tx\ty\n" }, /metadata\.tsv:2: has 3 columns/],
  ])("with %s is refused", async (_, name, contents, message) => {
    const path = Object.keys(contents).length > 0 ? files(name, contents) : join(folder, name);
    await expect(open(name === "file" ? join(path, "x") : path)).rejects.toThrow(message);
  });

  test("without labels or licence is refused, and so is speech without text", async () => {
    const path = files("bare", { "a.wav": wav(300), "metadata.tsv": "path\tlicence\na.wav\tCC0-1.0\n" });
    const rows = await open(path);
    expect(() => soundItems("source", rows)).toThrow(/row 1: no label for a\.wav; expected a column "label"/);
    expect(() => new ClipSpeech("source", rows, rows, RATE)).toThrow(
      /row 1: no text for a\.wav; expected a column "text"/,
    );
    const unlicensed = await open(path, { label: "x", licence: undefined });
    expect(() =>
      soundItems(
        "s",
        unlicensed.map((r) => ({ ...r, labels: { label: "x" } })),
      ),
    ).toThrow(/no licence for a\.wav; expected a column "licence" or "labels: \{ licence: … \}" of source "s"/);
  });
});

describe("a clip that cannot be read", () => {
  const broken = {
    "text.wav": "not audio",
    "empty.wav": "",
    "cut.wav": wav(300).subarray(0, 200),
    "silent.wav": encodeWav([new Float32Array(8000)], 8000),
  };
  test.each(Object.keys(broken))("%s is told by name", async (clip) => {
    const rows = await open(files("broken", broken));
    const error = await rows
      .find((r) => r.clip === clip)!
      .read()
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UnreadableClip);
    expect((error as UnreadableClip).message).toMatch(new RegExp(`^${clip}: (?!${clip})`));
  });

  test("a row without its file, too", async () => {
    const [row] = await open(files("lost", { "metadata.tsv": "path\tlabel\nlost.wav\tx\n" }));
    await expect(row!.read()).rejects.toThrow(UnreadableClip);
  });
});

test("of a long clip two minutes are read", async () => {
  const long = encodeWav([new Float32Array(8000 * 130).fill(0.1)], 8000);
  const [row] = await open(files("long", { "long.wav": long }));
  expect(await row!.read()).toHaveLength(LONGEST_CLIP * RATE);
});

describe("speech", async () => {
  const samples = fileURLToPath(new URL("../../../../../models/samples/speech.flac", import.meta.url));
  const path = files("speech", {
    "metadata.tsv": `path\ttext\tspeaker\tlanguage\tgender\tage\tlicence\n${["a", "b", "c"].map((n) => `${n}.flac\tA big canvas tent.\tann\ten-GB\tf\t70\tCC0-1.0`).join("\n")}\nodd.flac\tHi.\tbob\t\t\t\tCC0-1.0\n`,
  });
  for (const name of ["a", "b", "c", "odd"]) copyFileSync(samples, join(path, `${name}.flac`));
  const rows = await open(path);
  const source = new ClipSpeech("source", rows, rows, RATE);

  test("knows its voices", () => {
    expect(source.size).toBe(4);
    expect(source.item(0)).toMatchObject({
      text: "A big canvas tent.",
      voice: { speaker: "ann", gender: "Female", age: "Elderly", accent: "British English", emotion: null },
    });
    expect(source.item(3).voice).toMatchObject({ gender: null, age: null, accent: null });
  });

  test("compares each utterance with the speaker's others; the same recording is usual", async () => {
    const { manner, samples: said } = await source.item(1).speak({ rate: 1 });
    expect(manner).toEqual({ rate: 1, pitch: 0, energy: 0 });
    expect(said.length).toBeLessThan((await rows[1]!.read()).length + 1);
  });

  test("of a speaker with few recordings these count as usual", async () => {
    expect((await source.item(3).speak({ rate: 1 })).manner).toEqual({ rate: 1, pitch: 0, energy: 0 });
  });

  test("labels that mean nothing are refused with their place", () => {
    const odd = rows.map((r) => ({ ...r, labels: { ...r.labels, gender: "robot" } }));
    expect(() => new ClipSpeech("source", odd, odd, RATE)).toThrow(
      /row 1, a\.flac: gender "robot"; expected Female or Male/,
    );
  });
});

describe("Parquet", () => {
  const path = files("parquet", { "x.txt": "" });
  const file = join(path, "part.parquet");
  parquetWriteFile({
    filename: file,
    columnData: [
      { name: "sound", data: [200, 300, 400].map((hz) => ({ bytes: wav(hz), path: "x.wav" })) },
      { name: "category", data: [0, 1, 1] },
      { name: "license", data: ["CC0-1.0", "CC-BY-4.0", "CC0-1.0"] },
    ],
    schema: [
      { name: "root", num_children: 3 },
      { name: "sound", num_children: 2, repetition_type: "OPTIONAL" },
      { name: "bytes", type: "BYTE_ARRAY", repetition_type: "OPTIONAL" },
      { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
      { name: "category", type: "INT32", repetition_type: "OPTIONAL" },
      { name: "license", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
    ],
    rowGroupSize: 2,
    kvMetadata: [
      {
        key: "huggingface",
        value: JSON.stringify({ info: { features: { category: { names: ["cow", "dog"], _type: "ClassLabel" } } } }),
      },
    ],
  });
  const openParquet = (columns: object, where = path) =>
    parquetClips({ name: "pq", path: where, columns, labels: {}, sampleRate: RATE });

  test("rows are clips; names of classes are labels", async () => {
    const items = soundItems("pq", await openParquet({ audio: "sound", label: "category" }));
    expect(items.map((i) => [i.origin.clip, i.label, i.origin.licence])).toEqual([
      ["part.parquet#0", "cow", "CC0-1.0"],
      ["part.parquet#1", "dog", "CC-BY-4.0"],
      ["part.parquet#2", "dog", "CC0-1.0"],
    ]);
    const pitches = await Promise.all(
      items.map(async (i) => {
        const samples = await i.load(new Random(0));
        let crossings = 0;
        for (let k = 1; k < samples.length; k++) if (samples[k - 1]! < 0 && samples[k]! >= 0) crossings++;
        return crossings * 2;
      }),
    );
    for (const [i, hz] of [200, 300, 400].entries()) expect(Math.abs(pitches[i]! - hz)).toBeLessThan(5);
  });

  test("columns that are missing are named, with those there are", async () => {
    await expect(openParquet({})).rejects.toThrow(
      /part\.parquet: has no column "audio" for audio; its columns are sound, category, license; name it in columns of source "pq"/,
    );
    await expect(openParquet({ audio: "sound", text: "words" })).rejects.toThrow(/has no column "words" for text/);
  });

  test("what is no Parquet is refused", async () => {
    await expect(openParquet({}, join(path, "gone"))).rejects.toThrow(/gone: no such file or folder/);
    await expect(openParquet({}, files("none", { "x.txt": "" }))).rejects.toThrow(/has no \.parquet files/);
    const cut = files("cut", { "a.parquet": readFileSync(file).subarray(0, 500) });
    await expect(openParquet({ audio: "sound" }, cut)).rejects.toThrow(/a\.parquet: .*copy or write it again/);
  });
});
