import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseDelimited } from "./delimited.ts";
import { allExamples, temporaryFolder } from "./fixtures.ts";
import { openFolderSource } from "./folder-source.ts";
import { openManifestSource } from "./manifest-source.ts";

const manifest = (lines: readonly (object | string)[]): string => {
  const path = join(temporaryFolder(), "list.jsonl");
  writeFileSync(path, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
  return path;
};

describe("JSONL manifests", () => {
  it("are read row by row, with segments and whatever labels they hold", async () => {
    const path = manifest([
      { audio_filepath: "a.wav", text: "hello", offset: 1.5, duration: 2, speaker: 4, mood: "glad" },
      "",
      { audio_filepath: "/abs/b.wav", text: "", lang: "de", task: "caption" },
    ]);
    const source = await openManifestSource(path, { language: "en" });
    expect(await allExamples(source)).toEqual([
      {
        id: `${path}:1`,
        audio: { path: join(dirname(path), "a.wav") },
        text: "hello",
        start: 1.5,
        duration: 2,
        speaker: "4",
        language: "en",
        labels: { mood: "glad" },
      },
      { id: `${path}:3`, audio: { path: "/abs/b.wav" }, language: "de", task: "caption", labels: {} },
    ]);
    await source.close();
  });

  it("of many lines give any row, blank lines and long ones among them", async () => {
    const rows = Array.from({ length: 1000 }, (_, i) => ({
      path: `${i}.wav`,
      text: "ö".repeat(i % 7 === 0 ? 3000 : i % 5),
    }));
    const path = manifest(rows.flatMap((row, i) => (i % 3 === 0 ? ["", row] : [row])));
    const source = await openManifestSource(path, { audioFolder: "/" });
    expect(source.length).toBe(1000);
    for (const i of [0, 31, 32, 33, 500, 999, 7]) {
      const { audio, text, id } = await source.example(i);
      expect([audio, text ?? ""]).toEqual([{ path: `/${i}.wav` }, rows[i]!.text]);
      // every third row has a blank line before it
      expect(id).toBe(`${path}:${i + 1 + Math.floor(i / 3) + 1}`);
    }
    await source.close();
  });

  it.each([
    [[{ path: "a" }, "{oops"], /:2: is not JSON/],
    [[{ path: "a" }, "[1]"], /:2: is not a JSON object/],
    [[{ path: "a" }, { text: "b" }], /:2: has no "path"; expected one in every line/],
    [[{ sound: "a" }], /:1: has no audio column .* its columns are sound/],
    [[], /is empty/],
    [["{}"], /:1: has no audio/],
  ])("that are broken name the line: %j", async (lines, message) => {
    await expect(openManifestSource(manifest(lines))).rejects.toThrow(message);
  });

  it("whose labels have the wrong type name row and column", async () => {
    const source = await openManifestSource(
      manifest([{ path: "a", text: 3 }, { path: 4 }, { path: "b", task: "sing" }]),
    );
    await expect(source.example(0)).rejects.toThrow(/list.jsonl:1: column "text" is the number 3; expected text/);
    await expect(source.example(1)).rejects.toThrow(/list.jsonl:2: column "path" is the number 4; expected a path/);
    await expect(source.example(2)).rejects.toThrow(/column "task" is "sing"; expected asr, ser, caption, sap/);
    await source.close();
  });

  it("that lack a required text in some line are refused at once", async () => {
    const path = manifest([{ path: "a", text: "x" }, { path: "b" }]);
    await expect(openManifestSource(path, { required: ["text"] })).rejects.toThrow(/:2: has no "text"/);
  });

  it.each([
    ["list.csv", "path,sentence\na.wav,hello\n"],
    ["list.TSV", "path\tsentence\na.wav\thello"],
  ])("may be tables: %s", async (name, content) => {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, content);
    const source = await openManifestSource(path, { task: "asr" });
    expect(await allExamples(source)).toEqual([
      { id: `${path}#0`, audio: { path: join(dirname(path), "a.wav") }, text: "hello", task: "asr", labels: {} },
    ]);
    writeFileSync(path, "path,sentence\n".replace(",", name === "list.csv" ? "," : "\t"));
    await expect(openManifestSource(path)).rejects.toThrow(/names no clips/);
    await expect(openManifestSource(`/nowhere/${name}`)).rejects.toThrow(/no such file; expected a table of clips/);
  });

  it("that are missing say so", async () => {
    await expect(openManifestSource("/nowhere/list.jsonl")).rejects.toThrow("/nowhere/list.jsonl: no such file");
  });
});

describe("folders", () => {
  const folderOf = (files: Record<string, string>): string => {
    const folder = temporaryFolder();
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), content);
    }
    return folder;
  };

  it("label clips by sub-folder, in one order everywhere", async () => {
    const folder = folderOf({
      "dog/b.wav": "",
      "cat/a.FLAC": "",
      "top.mp3": "",
      "dog/.hidden.wav": "",
      "x/notes.txt": "",
    });
    const examples = await allExamples(await openFolderSource(folder));
    expect(examples.map(({ id, tags }) => [id.slice(folder.length + 1), tags])).toEqual([
      ["cat/a.FLAC", ["cat"]],
      ["dog/b.wav", ["dog"]],
      ["top.mp3", undefined],
    ]);
    expect(examples[0]?.labels).toEqual({});
    const emotions = await openFolderSource(folder, { columns: { text: "label" }, task: "ser" });
    expect((await emotions.example(1)).text).toBe("dog");
  });

  it.each([
    ["metadata.csv", 'file_name,transcription\na.wav,"one, ""two""\nthree"\nb/c.wav,four\n'],
    ["metadata.tsv", 'file_name\ttranscription\na.wav\t"one, ""two""\nthree"\nb/c.wav\tfour'],
    [
      "metadata.jsonl",
      `${JSON.stringify({ file_name: "a.wav", transcription: 'one, "two"\nthree' })}\n{"file_name":"b/c.wav","transcription":"four"}`,
    ],
  ])("read %s", async (name, content) => {
    const folder = folderOf({ [name]: content, "a.wav": "", "b/c.wav": "", "unlisted.wav": "" });
    const source = await openFolderSource(folder);
    const examples = await allExamples(source);
    expect(examples.map(({ audio, text }) => [audio, text])).toEqual([
      [{ path: join(folder, "a.wav") }, 'one, "two"\nthree'],
      [{ path: join(folder, "b/c.wav") }, "four"],
    ]);
    await source.close();
  });

  it("that are missing or empty say so", async () => {
    await expect(openFolderSource("/nowhere")).rejects.toThrow("/nowhere: no such folder");
    await expect(openFolderSource(temporaryFolder())).rejects.toThrow(/holds no audio files/);
    await expect(openFolderSource(folderOf({ "metadata.csv": "name\n1", "metadata.tsv": "" }))).rejects.toThrow(
      /has metadata.csv and metadata.tsv; expected one/,
    );
    await expect(openFolderSource(folderOf({ "metadata.csv": "name\n1" }))).rejects.toThrow(
      /has no column "file_name"; its columns are name/,
    );
  });
});

describe("delimited text", () => {
  it("keeps quotes that do not begin a field", () => {
    expect(parseDelimited('a\tb\r\n5" pipe\tx\r\n\r\n""\ty', "\t", "t")).toEqual([
      { a: '5" pipe', b: "x" },
      { a: "", b: "y" },
    ]);
  });

  it("names the line that has too many columns, or a quote left open", () => {
    expect(() => parseDelimited('a,b\n"1\n2",3\n1,2,3', ",", "t.csv")).toThrow("t.csv:4: has 3 columns");
    expect(() => parseDelimited('a,b\n1,"2\n', ",", "t.csv")).toThrow("t.csv:2: a quote is never closed");
  });
});
