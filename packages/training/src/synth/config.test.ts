import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkSceneConfig, readSceneConfig } from "./config.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-scene-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const check = (value: unknown) => checkSceneConfig(value, { name: "scenes.yaml", folder: "/data" });
const synthetic = { sources: [{ type: "synthetic" }] };

test("defaults are filled in, paths start from the file's folder", () => {
  const config = check({
    events: synthetic,
    speech: {
      sources: [
        { type: "folder", path: "clips" },
        { type: "espeak", voices: ["en-us"], texts: "lines.txt" },
      ],
    },
  });
  expect(config).toMatchObject({ seed: 0, count: 64, sampling_rate: 16000, split: "train", level: -26 });
  expect(config.speech.sources[0]).toMatchObject({ path: "/data/clips", labels: {} });
  expect(config.speech.sources[1]).toMatchObject({ texts: "/data/lines.txt", espeak: "espeak-ng", voices: ["en-us"] });
});

test.each([
  [{ evnts: synthetic }, /^scenes\.yaml: unknown key "evnts" \(did you mean events\?\); expected some of seed, count/],
  [{ events: { ...synthetic, repaet: [1, 2] } }, /: events: unknown key "repaet" \(did you mean repeat\?\)/],
  [
    { events: { sources: [{ type: "folder", pth: "x", path: "x" }] } },
    /: events\.sources\.0: unknown key "pth" \(did you mean path\?\)/,
  ],
  [{ events: { sources: [{ type: "wav" }] } }, /: events\.sources\.0.*: expected type folder, parquet or synthetic/],
  [{ events: { sources: [{ type: "folder" }] } }, /: events\.sources\.0\.path: expected text/],
  [{ events: { ...synthetic, snr: [5, 1] } }, /: events\.snr: expected two numbers, the lower first/],
  [{ events: { ...synthetic, probability: 2 } }, /: events\.probability: expected a number from 0 to 1/],
  [{ events: synthetic, duration: [1, 90] }, /: duration\.1: expected at most 60 seconds/],
  [{ events: synthetic, count: 0 }, /: count: expected a whole number above 0/],
  [{ events: synthetic, tasks: { sap: 0 } }, /: tasks: expected at least one task above 0/],
  [
    { events: synthetic, shard_size: 5000, duration: [5, 30] },
    /: shard_size: 5000 scenes of up to 30 s are 4\.5 GiB, .*; lower shard_size/,
  ],
  [{}, /: no sources; expected some under speech, events, backgrounds or music/],
  [{ events: { ...synthetic, probability: 0 } }, /: no sources/],
  [[], /^scenes\.yaml: expected a mapping/],
  ["text", /^scenes\.yaml: expected a mapping/],
])("refused in one line: %j", (value, message) => {
  expect(() => check(value)).toThrow(message as RegExp);
  expect(() => check(value)).toThrow(/^[^\n]+$/);
});

test.each([
  ["seed: [", /is not valid YAML: /],
  ["seed: 1\nseed: 2", /is not valid YAML: Map keys must be unique/],
  ["", /no sources/],
])("a file of %j is refused", async (text, message) => {
  const path = join(folder, "bad.yaml");
  writeFileSync(path, text);
  await expect(readSceneConfig(path)).rejects.toThrow(message);
  await expect(readSceneConfig(path)).rejects.toThrow(/^[^\n]+$/);
});

test("a file that is missing, or a folder, is named", async () => {
  await expect(readSceneConfig(join(folder, "gone.yaml"))).rejects.toThrow(
    /gone\.yaml: no such file; expected a YAML file/,
  );
  await expect(readSceneConfig(folder)).rejects.toThrow(/is a directory/);
});

test("overrides stand above the file", async () => {
  const path = join(folder, "good.yaml");
  writeFileSync(path, "seed: 1\ncount: 5\nevents: { sources: [{ type: synthetic }] }");
  expect(await readSceneConfig(path, { seed: 9, count: undefined, split: "validation" })).toMatchObject({
    seed: 9,
    count: 5,
    split: "validation",
  });
});
