/** Datasets as files: laid out for other readers, continued after interruption, refused where they do not fit. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeAudio, encodeWav } from "@uat/audio";
import { parseSap } from "@uat/evaluation";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openParquet, readRowGroup } from "../data/parquet-file.ts";
import { checkSceneConfig, type SceneConfig } from "./config.ts";
import { ensureScenes } from "./ensure-scenes.ts";
import type { SceneRow } from "./scene-rows.ts";
import { composeScenes, synthesize } from "./synthesize.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-scenes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const configOf = (value: object): SceneConfig => checkSceneConfig(value, { name: "scenes.yaml", folder });
/** Quick: short scenes of formulas. */
const config = configOf({
  seed: 3,
  count: 10,
  duration: [1, 1.5],
  shard_size: 4,
  tasks: { sap: 1, caption: 1 },
  events: { probability: 1, sources: [{ type: "synthetic" }] },
  backgrounds: { sources: [{ type: "synthetic" }] },
});
const SHARDS = ["train-00000.parquet", "train-00001.parquet", "train-00002.parquet"];
const bytesIn = (out: string) => SHARDS.map((name) => readFileSync(join(out, name)));
const whole = join(folder, "whole");

beforeAll(() => synthesize(config, { out: whole }));

describe("what is written", () => {
  test("rows hold a playable clip, its labels, where all of it comes from", async () => {
    const scenes = await composeScenes(config, [4, 5, 6, 7]);
    const file = await openParquet(join(whole, SHARDS[1]!));
    const columns = file.columns.map((c) => c.name);
    const rows = (await readRowGroup(file, 0, columns)) as unknown as SceneRow[];
    expect(rows).toHaveLength(4);
    for (const [i, row] of rows.entries()) {
      const scene = scenes[i]!;
      const { bytes, path } = row.audio;
      expect(path).toBe(`scene-00000${4 + i}.wav`);
      const { channels, sampleRate } = await decodeAudio(bytes);
      expect(sampleRate).toBe(16000);
      expect(channels).toHaveLength(1);
      const worst = channels[0]!.reduce((most, v, k) => Math.max(most, Math.abs(v - scene.samples[k]!)), 0);
      expect(worst).toBeLessThanOrEqual(0.51 / 32768);
      expect(row.duration).toBeCloseTo(channels[0]!.length / 16000, 9);
      expect(row.sampling_rate).toBe(16000);
      expect(parseSap(row.sap)).toEqual(scene.sap);
      expect(["sap", "caption"]).toContain(row.task);
      expect(row.text).toBe(row.task === "sap" ? row.sap : scene.caption);
      expect(row.tags).toEqual([...new Set(scene.facts.sounds.map((s) => s.label))]);
      expect(row.speaker).toBeNull();
      const provenance = JSON.parse(row.provenance) as Record<string, unknown>[];
      expect(provenance.map((p) => p.label)).toEqual(scene.parts.map((p) => p.label));
      for (const [k, source] of provenance.entries()) {
        expect(source).toMatchObject({ source: "synthetic", licence: "CC0-1.0" });
        expect(source.snr).toBeCloseTo(scene.parts[k]!.snr, 1);
        expect((source.heard as number[][]).length).toBe(scene.parts[k]!.spans.length);
        expect(Number.isInteger(source.seed)).toBe(true);
      }
    }
  });

  test("Hugging Face's metadata name the audio column and its rate", async () => {
    const { metadata } = await openParquet(join(whole, SHARDS[0]!));
    const value = metadata.key_value_metadata?.find((p) => p.key === "huggingface")?.value;
    const { features } = JSON.parse(value ?? "").info;
    expect(features.audio).toEqual({ sampling_rate: 16000, _type: "Audio" });
    expect(Object.keys(features)).toEqual([
      ...["audio", "text", "task", "sap", "tags", "speaker", "language", "duration", "sampling_rate", "provenance"],
    ]);
  });

  test("tasks are drawn as weighted, and only where a scene has an answer", async () => {
    const all = { ...config, tasks: { sap: 0, asr: 5, caption: 1, ser: 5 } };
    const tasks = (await composeScenes(all, [...Array(8).keys()])).map((s) => s.task);
    // nobody speaks: there is nothing to transcribe
    expect(new Set(tasks)).toEqual(new Set(["caption"]));
  });
});

describe("interruption", () => {
  test("a run that is stopped keeps its finished shards and continues to the same bytes", async () => {
    const out = join(folder, "stopped");
    const stop = new AbortController();
    const run = synthesize(config, {
      out,
      signal: stop.signal,
      onProgress: ({ done }) => done === 6 && stop.abort(new Error("stopped")),
    });
    await expect(run).rejects.toThrow("stopped");
    expect(readdirSync(out).sort()).toEqual(["scenes.json", SHARDS[0]]);
    const before = statSync(join(out, SHARDS[0]!)).mtimeMs;
    let kept = 0;
    await synthesize(config, { out, onProgress: (p) => (kept = p.kept) });
    expect(kept).toBe(4);
    expect(statSync(join(out, SHARDS[0]!)).mtimeMs).toBe(before);
    expect(bytesIn(out).map((b, i) => b.equals(bytesIn(whole)[i]!))).toEqual([true, true, true]);
  });

  test("shards that were damaged, cut or lost are made again, leftovers of dead runs go", async () => {
    const out = join(folder, "damaged");
    await synthesize(config, { out });
    const first = readFileSync(join(out, SHARDS[0]!));
    first[1000]! ^= 1;
    writeFileSync(join(out, SHARDS[0]!), first);
    truncateSync(join(out, SHARDS[1]!), 1000);
    rmSync(join(out, SHARDS[2]!));
    writeFileSync(join(out, ".uat-synth-999999999-x.tmp"), "half");
    await synthesize(config, { out });
    expect(bytesIn(out).map((b, i) => b.equals(bytesIn(whole)[i]!))).toEqual([true, true, true]);
    expect(existsSync(join(out, ".uat-synth-999999999-x.tmp"))).toBe(false);
  });

  test("a manifest that was cut counts as none", async () => {
    const out = join(folder, "manifest");
    await synthesize(config, { out });
    truncateSync(join(out, "scenes.json"), 50);
    await synthesize(config, { out });
    expect(JSON.parse(readFileSync(join(out, "scenes.json"), "utf8")).train.shards).toHaveLength(3);
  });

  test("more scenes are added to what is there, fewer are taken away", async () => {
    const out = join(folder, "more");
    await synthesize({ ...config, count: 5 }, { out });
    const { files, scenes } = await synthesize(config, { out });
    expect([files.length, scenes]).toEqual([3, 10]);
    expect(bytesIn(out).map((b, i) => b.equals(bytesIn(whole)[i]!))).toEqual([true, true, true]);
    await synthesize({ ...config, count: 5 }, { out });
    expect(readdirSync(out).filter((n) => n.endsWith(".parquet"))).toEqual(SHARDS.slice(0, 2));
  });

  test("scenes of something else are not mixed in; the other split has its own files", async () => {
    const out = join(folder, "other");
    await synthesize({ ...config, count: 2 }, { out });
    await expect(synthesize({ ...config, seed: 4 }, { out })).rejects.toThrow(
      /other: holds train scenes of another configuration, seed or of other clips; give another directory/,
    );
    await synthesize({ ...config, count: 2, split: "validation" }, { out });
    expect(
      readdirSync(out)
        .filter((n) => n.endsWith(".parquet"))
        .sort(),
    ).toEqual(["train-00000.parquet", "validation-00000.parquet"]);
    await expect(synthesize({ ...config, count: 2 }, { out })).resolves.toMatchObject({ scenes: 2 });
  });

  test("a place that cannot be written is one line", async () => {
    writeFileSync(join(folder, "plain"), "");
    await expect(synthesize(config, { out: join(folder, "plain") })).rejects.toThrow(/plain: cannot be written: /);
    await expect(synthesize(config, { out: join(folder, "plain/x") })).rejects.toThrow(/plain\/x: cannot be written: /);
  });
});

describe("clips that cannot be read", () => {
  /** `good` clips and `bad` files. */
  function clips(name: string, good: number, bad: number): string {
    const path = join(folder, name);
    mkdirSync(path);
    for (let i = 0; i < good; i++) {
      const hz = 200 + 10 * (i % 50);
      const samples = Float32Array.from({ length: 2000 }, (_, k) => 0.5 * Math.sin((2 * Math.PI * hz * k) / 8000));
      writeFileSync(join(path, `tone-${i}.wav`), encodeWav([samples], 8000));
    }
    for (let i = 0; i < bad; i++) writeFileSync(join(path, `bad-${i}.wav`), "no audio");
    return path;
  }
  const withClips = (path: string, count: number) =>
    configOf({
      count,
      duration: [1, 1],
      shard_size: 300,
      room: { probability: 0 },
      events: {
        probability: 1,
        count: [2, 2],
        far: 0,
        sources: [{ type: "folder", path, labels: { licence: "CC0-1.0" } }],
      },
    });

  test("are counted, listed and left out while they are few", async () => {
    const config = withClips(clips("few", 199, 1), 300);
    const heard: string[] = [];
    const { unreadable } = await synthesize(config, {
      out: join(folder, "few-out"),
      onUnreadable: (_, m) => heard.push(m),
    });
    expect(unreadable).toEqual(["bad-0.wav"]);
    expect(heard).toEqual([expect.stringMatching(/^bad-0\.wav: not an audio format/)]);
    expect(JSON.parse(readFileSync(join(folder, "few-out/scenes.json"), "utf8")).train.unreadable).toEqual([
      "bad-0.wav",
    ]);
  });

  test("stop the run when they are more than 1 %", async () => {
    const run = synthesize(withClips(clips("many", 50, 10), 300), { out: join(folder, "many-out") });
    await expect(run).rejects.toThrow(
      /^1 of 60 clips cannot be read, more than 1 %: bad-\d\.wav: .*; repair or remove them$/,
    );
  });
});

describe("a split with nothing in it", () => {
  test("says what to hold out, or that all is", async () => {
    const path = join(folder, "one");
    mkdirSync(path);
    writeFileSync(join(path, "a.wav"), encodeWav([new Float32Array(8000).fill(0.1)], 8000));
    const source = { type: "folder", path, labels: { licence: "x" } };
    const make = (more: object) =>
      synthesize(configOf({ events: { sources: [source] }, ...more }), { out: join(folder, "split") });
    await expect(make({ split: "validation" })).rejects.toThrow(
      /^events: nothing is held out for validation; name speakers, /,
    );
    await expect(make({ hold_out: { sources: ["one"] } })).rejects.toThrow(
      /^events: everything is held out for validation; /,
    );
  });
});

test("data is made on first use and then is there", async () => {
  const yaml = join(folder, "scenes.yaml");
  writeFileSync(yaml, "count: 3\nduration: [1, 1]\nevents: { sources: [{ type: synthetic }] }\n");
  const cache = join(folder, "cache");
  let made = 0;
  const ensure = (options = {}) => ensureScenes(yaml, cache, { onProgress: () => made++, ...options });
  const first = await ensure();
  expect(first.scenes).toBe(3);
  expect(first.files.every((f) => existsSync(f))).toBe(true);
  made = 0;
  expect(await ensure()).toEqual({ files: first.files, scenes: 3 });
  expect(made).toBe(0);
  expect((await ensure({ seed: 5 })).files).not.toEqual(first.files);
  truncateSync(first.files[0]!, 100);
  made = 0;
  await ensure();
  expect(made).toBeGreaterThan(0);
});

test("sources may be moved between two runs", async () => {
  const out = join(folder, "moved-out");
  const sources = (path: string) =>
    configOf({
      count: 2,
      duration: [1, 1],
      events: { probability: 1, sources: [{ type: "folder", path, labels: { licence: "x", label: "tone" } }] },
    });
  const tone = encodeWav([Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i / 5))], 8000);
  for (const place of ["here", "there"]) {
    mkdirSync(join(folder, place, "clips"), { recursive: true });
    writeFileSync(join(folder, place, "clips/a.wav"), tone);
    await synthesize(sources(join(folder, place, "clips")), { out });
  }
  writeFileSync(join(folder, "there/clips/b.wav"), tone);
  await expect(synthesize(sources(join(folder, "there/clips")), { out })).rejects.toThrow(/of other clips/);
});
