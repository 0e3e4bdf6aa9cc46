import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { shardPaths } from "./shard-paths.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "uat-shards-"));
  mkdirSync(join(folder, "empty"));
  for (const name of ["train-1.parquet", "train-0.parquet", "test-0.parquet", "train.txt", ".train-9.parquet"])
    writeFileSync(join(folder, name), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each<[string[], string[]]>([
  [["train-*.parquet"], ["train-0.parquet", "train-1.parquet"]],
  [["t*-0*t"], ["test-0.parquet", "train-0.parquet"]],
  [
    ["test*", "absent.parquet"],
    ["test-0.parquet", "absent.parquet"],
  ],
  [["."], ["test-0.parquet", "train-0.parquet", "train-1.parquet"]],
  [["tr*ain.txt"], ["train.txt"]],
])("%j", async (entries, names) => {
  expect(await shardPaths(entries.map((e) => join(folder, e)))).toEqual(names.map((n) => join(folder, n)));
});

test.each(["valid-*.parquet", "train.txt*train.txt", "empty", "nowhere/*"])("nothing fits %s", async (entry) => {
  await expect(shardPaths(join(folder, entry))).rejects.toThrow(`${join(folder, entry)}: no file fits`);
});
