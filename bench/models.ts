/** Models that benchmarks run on: the embedded one, and random weights of published geometries, made on first use. */
import { existsSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeRandomDecoder } from "./random-decoder.ts";
import { LARGE_V3, writeRandomTokenizer } from "./random-tokenizer.ts";

const MAKERS: Readonly<Record<string, (folder: string) => Promise<void>>> = {
  "large-v3": (folder) => writeRandomTokenizer(folder, LARGE_V3),
  "published-decoder": (folder) => writeRandomDecoder(folder),
};

/** Folder of a model; UAT_BENCH_MODELS says where the made ones are kept, by default the system's temporary folder. */
export async function modelDirectory(name: string): Promise<string> {
  if (name === "base") return fileURLToPath(new URL("../models/base", import.meta.url));
  const make = MAKERS[name];
  if (!make) throw new Error(`no model is called ${name}`);
  const folder = join(process.env.UAT_BENCH_MODELS ?? join(tmpdir(), "uat-bench-models"), name);
  if (!existsSync(folder)) {
    process.stderr.write(`making random weights: ${name}\n`);
    await make(`${folder}.part`);
    renameSync(`${folder}.part`, folder);
  }
  return folder;
}
