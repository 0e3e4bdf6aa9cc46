/** `uat eval` as users run it: layouts of clips, resumption, interruption, bad input. */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { encodeWav, Random } from "@uat/audio";
import { parquetWriteFile } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { namesIn, speech, uat, workFolder } from "./run-uat.ts";

const { folder, model, remove } = workFolder();
afterAll(remove);

const RATE = 16_000;
const EVIL = 'a|`b`<img src=x onerror=alert(1)>"&.wav';

/** Tones, noise and clicks: half a second each, different for each clip. */
function wav(kind: number, seed: number): Uint8Array {
  const random = new Random(10 * seed + kind);
  const [pitch, noise, pause] = [random.uniform(150, 900), random.uniform(0.05, 0.3), 1500 + random.below(1000)];
  const samples = Float32Array.from({ length: RATE / 2 }, (_, i) => {
    if (kind === 0) return 0.4 * Math.sin((2 * Math.PI * pitch * i) / RATE);
    return kind === 1 ? noise * random.normal() : Number(i % pause < 20) * 0.8;
  });
  return encodeWav([samples], RATE);
}

function write(path: string, data: Uint8Array | string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, data);
  return path;
}

const CLASSES = ["tones", "noise", "clicks"];
const sounds = join(folder, "sounds");
beforeAll(() => {
  for (const [kind, name] of CLASSES.entries())
    for (let i = 0; i < 4; i++) write(join(sounds, name, `${i}.wav`), wav(kind, i));
});

interface ReportJson {
  tasks: {
    task: string;
    model?: { sha256: string };
    data: { clips: number; leftOut: number; sha256: string; minutes: number };
    sections: { title: string; figures: { id: string; value: number | null; n?: number; interval?: number[] }[] }[];
  }[];
}
const reportOf = (out: string): ReportJson => JSON.parse(readFileSync(join(out, "report.json"), "utf8"));
const run = (args: readonly string[], out: string) =>
  uat(["eval", ...args, "--out", out, "--model", model, "--threads", "1"]);
const figures = (out: string, task = 0) =>
  new Map(
    reportOf(out)
      .tasks[task]!.sections.flatMap((s) => s.figures)
      .map((f) => [f.id, f]),
  );

test("clustering: figures, files and the same again without measuring", async () => {
  const out = join(folder, "clustering");
  const { code, stdout, stderr } = await run(["clustering", sounds], out);
  expect(stderr).not.toMatch(/warning|rror/);
  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(
    /^clustering: Purity of k-means, square-root histograms \d\.\d+; .*\n→ .*report\.html/,
  );
  expect(namesIn(out)).toEqual(["report.html", "report.json", "report.md", "results.jsonl"]);
  const [task] = reportOf(out).tasks;
  expect(task!.data).toMatchObject({ clips: 12, leftOut: 0, minutes: 0.1 });
  expect(task!.data.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(task!.model!.sha256).toMatch(/^[0-9a-f]{64}$/);
  const purity = figures(out).get("purity-sqrt")!;
  expect(purity.value).toBeGreaterThanOrEqual(1 / 3);
  expect(purity.interval![0]).toBeLessThanOrEqual(purity.value!);
  const results = readFileSync(join(out, "results.jsonl"), "utf8");
  expect(results.trimEnd().split("\n")).toHaveLength(12);
  const report = reportOf(out);
  await run(["clustering", sounds], out);
  expect(readFileSync(join(out, "results.jsonl"), "utf8")).toBe(results);
  expect(reportOf(out).tasks[0]!.sections).toEqual(report.tasks[0]!.sections);
});

test("a file cut in the midst of a line is mended and the run comes out the same", async () => {
  const out = join(folder, "mended");
  await run(["clustering", sounds], out);
  const whole = readFileSync(join(out, "results.jsonl"));
  const before = reportOf(out).tasks[0]!.sections;
  truncateSync(join(out, "results.jsonl"), whole.length - 30);
  const { code } = await run(["clustering", sounds], out);
  expect(code).toBe(0);
  expect(readFileSync(join(out, "results.jsonl")).equals(whole)).toBe(true);
  expect(reportOf(out).tasks[0]!.sections).toEqual(before);
  appendFileSync(join(out, "results.jsonl"), "{}\n");
  const warned = await run(["clustering", sounds], out);
  expect(warned.stderr).toMatch(/results\.jsonl: 1 damaged lines/);
});

test("killed and interrupted, it goes on to the same report", async () => {
  const whole = join(folder, "whole");
  await run(["tokens", sounds], whole);
  const out = join(folder, "stopped");
  const lines = () => {
    const path = join(out, "results.jsonl");
    return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
  };
  for (const [signal, after, code] of [
    ["SIGKILL", 1, 137],
    ["SIGINT", 4, 130],
  ] as const) {
    const ended = await uat(["eval", "tokens", sounds, "--out", out, "--model", model, "--threads", "1"], {
      onStart(child) {
        const timer = setInterval(() => {
          if (child.exitCode !== null) return clearInterval(timer);
          if (lines() < after) return;
          clearInterval(timer);
          child.kill(signal);
        }, 2);
      },
    });
    expect(ended.code).toBe(code);
    if (signal === "SIGINT") expect(ended.stderr).toMatch(/stopped; run the same command again to go on from/);
    expect(namesIn(out)).toEqual(["results.jsonl"]);
  }
  const kept = lines();
  expect(kept).toBeGreaterThanOrEqual(4);
  expect(kept).toBeLessThan(12);
  await run(["tokens", sounds], out);
  expect(lines()).toBe(12);
  expect(reportOf(out).tasks[0]!.sections).toEqual(reportOf(whole).tasks[0]!.sections);
  expect(figures(out).get("bit-rate")!.value).toBe(225);
  expect(figures(out).get("unit-edit-distance-white-20")!.n).toBe(12);
  expect(namesIn(join(out, "players"))).toEqual(["1.wav", "2.wav", "3.wav", "4.wav", "5.wav", "6.wav"]);
});

test("parts of one folder share its report; several folders make one page", async () => {
  const out = join(folder, "both");
  await run(["clustering", sounds], out);
  await run(["tokens", speech], out);
  await run(["clustering", sounds], out);
  expect(reportOf(out).tasks.map((task) => task.task)).toEqual(["tokens", "clustering"]);
  const merged = join(folder, "merged");
  const { code, stdout } = await uat(["eval", "report", out, join(folder, "clustering"), "--out", merged]);
  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(/^→ 3 parts of 2 runs: /);
  expect(reportOf(merged).tasks).toHaveLength(3);
  expect(namesIn(join(merged, "players"))).toHaveLength(6);
  expect(readFileSync(join(merged, "report.html"), "utf8").match(/<audio /g)).toHaveLength(6);
});

describe("layouts", () => {
  const rows = () =>
    CLASSES.flatMap((name, kind) => Array.from({ length: 4 }, (_, i) => ({ name, kind, i, bytes: wav(kind, i) })));
  const purityOf = (out: string) => figures(out).get("purity-sqrt")!.value;
  let expected: number | null;
  beforeAll(async () => {
    await run(["clustering", sounds], join(folder, "folders"));
    expected = purityOf(join(folder, "folders"));
  });

  test("Parquet, with any names of its columns", async () => {
    const filename = join(folder, "clips.parquet");
    await parquetWriteFile({
      filename,
      columnData: [
        { name: "sound", data: rows().map((row) => row.bytes), type: "BYTE_ARRAY" },
        { name: "kind", data: rows().map((row) => row.name), type: "STRING" },
        { name: "fold", data: rows().map((row) => row.i), type: "INT32" },
      ],
    });
    const out = join(folder, "parquet");
    const named = ["clustering", filename, "--column", "audio=sound", "--column", "label=kind"];
    expect((await run(named, out)).code).toBe(0);
    expect(purityOf(out)).toBe(expected);
    const some = join(folder, "parquet-some");
    expect((await run([...named, "--where", "fold=2", "--where", "kind=tones"], some)).stderr).toMatch(
      /3 clips|all clips are of class|has fold=2 kind=tones/,
    );
    expect((await run([...named, "--limit", "7"], some)).code).toBe(0);
    expect(reportOf(some).tasks[0]!.data.clips).toBe(7);
  });

  test("ESC-50's folder: both benchmarks, beside the published figures", async () => {
    const root = join(folder, "ESC-50");
    const ten = ["dog", "rain", "sea_waves", "crying_baby", "clock_tick", "sneezing", "helicopter", "chainsaw"];
    const classes = [...ten, "rooster", "crackling_fire", ...Array.from({ length: 40 }, (_, i) => `other_${i}`)];
    const lines = ["filename,fold,target,category,esc10,src_file,take"];
    for (const [c, name] of classes.entries())
      for (let i = 0; i < 2; i++) {
        const file = `1-${c}${i}-A-${c}.wav`;
        write(join(root, "audio", file), wav(c % 3, 100 * i + c));
        lines.push(`${file},1,${c},${name},${c < 10 ? "True" : "False"},${c}${i},A`);
      }
    write(join(root, "meta/esc50.csv"), `${lines.join("\n")}\n`);
    const out = join(folder, "esc");
    const { code, stderr } = await run(["clustering", root], out);
    expect(stderr).not.toContain("warning");
    expect(code).toBe(0);
    expect(reportOf(out).tasks[0]!.sections.map((s) => s.title)).toEqual(["ESC-10: 20 clips", "ESC-50: 100 clips"]);
    expect(figures(out).get("esc-10-purity-sqrt")!.n).toBe(20);
    const markdown = readFileSync(join(out, "report.md"), "utf8");
    expect(markdown).toMatch(/\| UniAudio-Token \| 25 \| 325 \| 0\.091 \| 0\.730 \|/);
    expect(markdown).toMatch(/\| UniAudio-Token \| 25 \| 325 \| 0\.023 \| 0\.390 \|/);
    const small = join(folder, "esc10");
    expect((await run(["clustering", root, "--where", "esc10=true"], small)).code).toBe(0);
    expect(reportOf(small).tasks[0]!.sections.map((s) => s.title)).toEqual(["ESC-10: 20 clips"]);
  });

  test("a folder whose list calls its audio by another name", async () => {
    const said = join(folder, "said");
    write(join(said, "a.wav"), wav(0, 1));
    copyFileSync(speech, join(said, "b.wav"));
    write(join(said, "metadata.tsv"), "path\tspeaker\ttext\nb.wav\tanna\thello\n");
    const out = join(folder, "list");
    expect((await run(["tokens", said], out)).code).toBe(0);
    expect(reportOf(out).tasks[0]!.data.clips).toBe(1);
  });
});

test("clips that cannot be read are counted and named, whatever their names hold", async () => {
  const hostile = join(folder, "hostile");
  for (const [kind, name] of ["<b>x", "y|z"].entries())
    for (let i = 0; i < 3; i++) write(join(hostile, name, `${i}.wav`), wav(kind, i));
  write(join(hostile, "y|z", EVIL), "RIFF");
  const out = join(folder, "hostile-out");
  const { code, stderr } = await run(["clustering", hostile], out);
  expect(code).toBe(0);
  expect(stderr).toMatch(/warning: left out: .*onerror/);
  expect(reportOf(out).tasks[0]!.data).toMatchObject({ clips: 7, leftOut: 1 });
  const page = readFileSync(join(out, "report.html"), "utf8");
  expect(page).not.toMatch(/<img|<b>x|<script/);
  expect(page).toContain("&lt;b&gt;x");
  expect(readFileSync(join(out, "report.md"), "utf8")).toContain("\\<b\\>x");
});

describe("one clear line and code 2 for", () => {
  const flat = join(folder, "flat");
  beforeAll(() => {
    for (let i = 0; i < 3; i++) {
      write(join(flat, `${i}.wav`), wav(0, i));
      write(join(folder, "one/only", `${i}.wav`), wav(0, i));
      write(join(folder, "single", `c${i}`, "a.wav"), wav(0, i));
    }
    write(join(folder, "broken/a/x.wav"), "no audio");
    write(join(folder, "broken/b/y.wav"), "no audio");
    write(join(folder, "broken/b/z.wav"), "no audio");
    write(join(folder, "damaged/report.json"), '{"version":1,"tasks":[{"task":"x"}]}');
  });
  const at = (...parts: string[]) => join(folder, ...parts);
  test.each<[string, () => string[], RegExp]>([
    ["clips without classes", () => ["clustering", flat], /no clip has a class; give a folder with a folder for each/],
    ["one class", () => ["clustering", at("one")], /all clips are of class "only"; expected two or more/],
    ["as many classes as clips", () => ["clustering", at("single")], /3 clips of 3 classes; expected several clips/],
    ["nothing that can be read", () => ["clustering", at("broken")], /no clip has a class|could be measured|no clip/],
    ["a path that is missing", () => ["tokens", at("gone")], /gone: no such file/],
    ["a condition that none meets", () => ["tokens", sounds, "--where", "label=x"], /no clip has label=x/],
    ["a condition that is none", () => ["tokens", sounds, "--where", "x"], /Expected COLUMN=VALUE/],
    ["an unknown role", () => ["tokens", sounds, "--column", "x=y"], /Expected one of audio, label/],
    ["a column that is missing", () => ["tokens", sounds, "--column", "text=y"], /no column "y"/],
    ["an unknown part", () => ["tokenz", sounds], /unknown command 'tokenz' \(Did you mean tokens\?\)/],
    ["no earlier run", () => ["report", at("flat")], /flat: holds no report\.json/],
    ["a damaged report", () => ["report", at("damaged")], /damaged\/report\.json: tasks\.0\./],
    ["a judge without a model", () => ["sap", sounds, "--endpoint", "http://localhost:1"], /needs both --endpoint URL/],
  ])("%s", async (_, args, message) => {
    const given = args();
    const withModel = ["clustering", "tokens"].includes(given[0]!) ? ["--model", model] : [];
    const { code, stderr } = await uat(["eval", ...given, ...withModel, "--out", at("none"), "--quiet"]);
    expect(stderr).toMatch(/^uat: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  test("a place that cannot be written", async () => {
    write(at("plain"), "");
    const { code, stderr } = await run(["tokens", sounds], at("plain/out"));
    expect(stderr).toMatch(/^uat: .*plain\/out: cannot be written: a part of the path is not a directory/);
    expect(code).toBe(2);
  });

  test("a damaged report of the same folder is replaced", async () => {
    const { code, stderr } = await run(["clustering", sounds], at("damaged"));
    expect(stderr).toMatch(/warning: .*report\.json: .*; it is replaced/);
    expect(code).toBe(0);
    expect(reportOf(at("damaged")).tasks).toHaveLength(1);
  });
});
