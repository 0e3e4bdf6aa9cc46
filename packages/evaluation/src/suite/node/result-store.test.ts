import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ResultStore } from "./result-store.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "uat-results-"));
  path = join(folder, "results.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const key = (name: string) => ResultStore.key("task", name);

test("results outlast the process", async () => {
  const store = await ResultStore.open(path);
  await store.add(key("a"), "a", { codes: [1, 2], note: null });
  await store.close();
  const again = await ResultStore.open(path);
  expect(again.get(key("a"))).toEqual({ codes: [1, 2], note: null });
  expect(again.get(key("b"))).toBeUndefined();
  await again.close();
});

test("cut anywhere, the file keeps its whole lines and takes new ones", async () => {
  const store = await ResultStore.open(path);
  for (const name of ["a", "b", "ü"]) await store.add(key(name), name, { name });
  await store.close();
  const whole = readFileSync(path);
  const ends = [...whole.keys()].filter((i) => whole[i] === 10);
  for (let length = 0; length < whole.length; length += 7) {
    writeFileSync(path, whole);
    truncateSync(path, length);
    const cut = await ResultStore.open(path);
    const kept = ends.filter((end) => end < length).length;
    expect(cut.size).toBe(kept);
    expect(cut.damaged).toBe(0);
    await cut.add(key("new"), "new", 1);
    await cut.close();
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    expect(lines).toHaveLength(kept + 1);
    for (const line of lines) JSON.parse(line);
  }
});

test("damage in the midst is counted and costs its lines only", async () => {
  const store = await ResultStore.open(path);
  await store.add(key("a"), "a", 1);
  await store.close();
  appendFileSync(path, '{"key": "half\n[]\n{"key":"x"}\n');
  const again = await ResultStore.open(path);
  await again.add(key("b"), "b", 2);
  await again.close();
  const last = await ResultStore.open(path);
  expect([last.size, last.damaged, last.get(key("b"))]).toEqual([2, 3, 2]);
  await last.close();
});

test("what JSON would change without a word is refused", async () => {
  const store = await ResultStore.open(path);
  for (const value of [Number.NaN, { a: [Number.POSITIVE_INFINITY] }, new Float32Array(2), { a: undefined }])
    await expect(store.add(key("a"), "clip 1", value as never)).rejects.toThrow("clip 1: the result holds");
  await store.close();
  expect(readFileSync(path, "utf8")).toBe("");
});

test("keys tell their parts apart", () => {
  const keys = [["a", "b"], ["ab"], ["a", ["b"]], ["a", "b", null], ["a", 1]].map((parts) => ResultStore.key(...parts));
  expect(new Set(keys).size).toBe(keys.length);
});

test("a file that cannot be written is one clear line", async () => {
  writeFileSync(join(folder, "plain"), "");
  await expect(ResultStore.open(join(folder, "plain", "results.jsonl"))).rejects.toThrow(
    /plain\/results\.jsonl: cannot be written: a part of the path is not a directory/,
  );
});
