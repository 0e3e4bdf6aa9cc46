import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { newestNode } from "./newest-node.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const files = ["speech16k.wav", "speech.mp3", "music.ogg", "speech.flac", "stereo44k.wav"];
const expected = JSON.parse(readFileSync(at("tests/fixtures/tokenizers/uniaudio/expected.json"), "utf8")) as {
  files: Record<string, { tokens: number[] }>;
};

/** Codes printed by the built command, run by the given Node. */
function tokenize(node: string, env: Record<string, string> = {}): { codes: number[][]; stderr: string } {
  const model = at("tests/fixtures/tokenizers/uniaudio/checkpoint");
  const args = [
    "tokenize",
    ...files.map((f) => at(`tests/fixtures/audio/${f}`)),
    "--model",
    model,
    "--format",
    "jsonl",
  ];
  const child = spawnSync(node, [at("packages/codec/bin/uat.js"), ...args], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  expect(child.status, child.stderr).toBe(0);
  return {
    codes: child.stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { codes: number[] }).codes),
    stderr: child.stderr,
  };
}

const goldens = files.map((f) => expected.files[f]?.tokens);

test("this Node, native, in a worker thread", () => {
  expect(tokenize(process.execPath).codes).toEqual(goldens);
});

test("without onnxruntime-node, WebAssembly takes over and says so in one line", () => {
  const { codes, stderr } = tokenize(process.execPath, { UAT_NO_NATIVE: "1" });
  expect(codes).toEqual(goldens);
  expect(stderr.split("\n").filter((line) => line.includes("WebAssembly"))).toHaveLength(1);
});

// the package is for this platform only
test.runIf(process.platform === "linux" && process.arch === "x64")("the newest Node gives the same tokens", () => {
  const newest = newestNode();
  const major = (node: string) => Number(/v(\d+)/.exec(execFileSync(node, ["--version"], { encoding: "utf8" }))?.[1]);
  expect(major(newest)).toBeGreaterThan(22);
  expect(tokenize(newest).codes).toEqual(goldens);
});
