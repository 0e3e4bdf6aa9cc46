/** `uat synth` as users run it. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { namesIn, root, uat, workFolder } from "./run-uat.ts";

const { folder, remove } = workFolder();
afterAll(remove);
const tiny = join(root, "recipes/tiny/scenes.yaml");

test("the tiny recipe makes a dataset and pictures, and is there the second time", async () => {
  const out = join(folder, "scenes");
  const { code, stdout, stderr } = await uat(["synth", tiny, "--out", out, "--count", "6", "--plot", "2"]);
  expect(stderr).toMatch(/s of sound in \d+ s\n$/);
  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(/^→ 6 scenes in .*train-00000\.parquet; 2 pictures, first .*scene-000000\.png\n$/);
  expect(namesIn(out)).toEqual(["scene-000000.png", "scene-000001.png", "scenes.json", "train-00000.parquet"]);
  expect(readFileSync(join(out, "train-00000.parquet")).subarray(0, 4).toString()).toBe("PAR1");
  expect(readFileSync(join(out, "scene-000001.png")).subarray(1, 4).toString()).toBe("PNG");
  const again = await uat(["synth", tiny, "--out", out, "--count", "6"]);
  expect(again.stderr).toBe(`${out}: 6 scenes were there already\n`);
  expect(again.code).toBe(0);
  const quiet = await uat(["synth", tiny, "--out", out, "--count", "6", "--quiet"]);
  expect(quiet.stderr).toBe("");
});

test("killed at any time, it continues to the same files", async () => {
  const config = join(folder, "kill.yaml");
  writeFileSync(
    config,
    "count: 20\nshard_size: 4\nduration: [2, 2]\nevents: { sources: [{ type: synthetic }] }\nmusic: { probability: 1, sources: [{ type: synthetic }] }\n",
  );
  const whole = join(folder, "whole");
  expect((await uat(["synth", config, "--out", whole, "--quiet"])).code).toBe(0);
  const out = join(folder, "killed");
  let kills = 0;
  for (const wanted of [0, 2]) {
    const { code } = await uat(["synth", config, "--out", out, "--quiet"], {
      onStart(child) {
        const timer = setInterval(() => {
          if (child.exitCode !== null) return clearInterval(timer);
          if (!existsSync(join(out, `train-0000${wanted}.parquet`))) return;
          clearInterval(timer);
          child.kill("SIGKILL");
        }, 5);
      },
    });
    if (code === 137) kills++;
  }
  expect(kills).toBeGreaterThan(0);
  expect((await uat(["synth", config, "--out", out, "--quiet"])).code).toBe(0);
  expect(namesIn(out)).toEqual(namesIn(whole));
  for (const name of namesIn(whole))
    expect(readFileSync(join(out, name)).equals(readFileSync(join(whole, name))), name).toBe(true);
});

describe("one clear line and code 2 for", () => {
  const write = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  mkdirSync(join(folder, "no-clips"), { recursive: true });
  test.each([
    ["a file that is missing", () => join(folder, "gone.yaml"), /gone\.yaml: no such file; expected a YAML file/],
    ["a mistyped key", () => write("typo.yaml", "evens: {}"), /unknown key "evens" \(did you mean events\?\)/],
    [
      "a folder that is missing",
      () => write("folder.yaml", "events: { sources: [{ type: folder, path: nowhere }] }"),
      /nowhere: no such folder; expected the clips of source "nowhere"/,
    ],
    [
      "a folder without clips",
      () => write("empty.yaml", "events: { sources: [{ type: folder, path: no-clips }] }"),
      /no-clips: has no clips/,
    ],
    [
      "a program that is missing",
      () =>
        write(
          "tts.yaml",
          "speech: { sources: [{ type: espeak, espeak: ./no-espeak, voices: [en-us], texts: [Hello.] }] }",
        ),
      /no-espeak: not found; expected the espeak-ng program; install it/,
    ],
  ])("%s", async (_, make, message) => {
    const { code, stderr } = await uat(["synth", make(), "--out", join(folder, "out")]);
    expect(stderr).toMatch(/^uat: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });

  test("a disk that is full; what is finished stays, nothing half-written does", async () => {
    const out = join(folder, "full");
    // files may grow to 200 blocks of 1024 bytes: the small manifest fits, a shard of sound does not
    const { code, stderr } = await limited(200, [
      "synth",
      tiny,
      "--out",
      out,
      "--count",
      "8",
      "--plot",
      "0",
      "--quiet",
    ]);
    expect(stderr).toMatch(
      /^uat: .*train-00000\.parquet: cannot be written: the file grows past what the system allows; .*\n$/,
    );
    expect(code).toBe(2);
    expect(readdirSync(out).filter((n) => n.endsWith(".tmp") || n.endsWith(".parquet"))).toEqual([]);
  });
});

async function limited(blocks: number, args: readonly string[]): Promise<{ code: number; stderr: string }> {
  const { spawnSync } = await import("node:child_process");
  const bin = join(root, "packages/codec/bin/uat.js");
  const command = `trap '' XFSZ; ulimit -f ${blocks}; exec "$0" "$@"`;
  const { status, stderr } = spawnSync("bash", ["-c", command, process.execPath, bin, ...args], { encoding: "utf8" });
  return { code: status ?? -1, stderr };
}

test("help shows the options and examples", async () => {
  const { code, stdout } = await uat(["synth", "--help"]);
  expect(code).toBe(0);
  for (const part of ["--out", "--count", "--seed", "--split", "--plot", "Examples:", "recipes/tiny/scenes.yaml"])
    expect(stdout.toString()).toContain(part);
});
