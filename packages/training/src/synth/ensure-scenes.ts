/** Data that is made when it is first needed, and then is there. */
import { createHash } from "node:crypto";
import { basename, join } from "node:path";
import { readSceneConfig, type SceneOverrides } from "./config.ts";
import { isComplete, readManifest, type SynthesisOptions, synthesize } from "./synthesize.ts";

export type EnsureOptions = SceneOverrides &
  Pick<SynthesisOptions, "onProgress" | "onUnreadable" | "signal" | "threads">;

/**
 * The Parquet files of a scene configuration, made in a folder of `cacheDirectory` on first use. Afterwards only the
 * configuration is read and the files' sizes are looked at; clips that change without it are not noticed.
 * @throws TrainingError as `synthesize` does.
 */
export async function ensureScenes(
  configPath: string,
  cacheDirectory: string,
  options: EnsureOptions = {},
): Promise<{ readonly files: readonly string[]; readonly scenes: number }> {
  const { count, seed, split, ...rest } = options;
  const config = await readSceneConfig(configPath, { count, seed, split });
  const key = createHash("sha256").update(JSON.stringify(config)).digest("hex").slice(0, 12);
  const out = join(cacheDirectory, `${basename(configPath).replace(/\.ya?ml$/, "")}-${key}`);
  const manifest = await readManifest(out, config.split);
  const scenes = manifest?.shards.reduce((n, s) => n + s.scenes, 0);
  if (manifest && scenes === config.count && (await isComplete(out, manifest)))
    return { files: manifest.shards.map((s) => join(out, s.file)), scenes };
  return synthesize(config, { ...rest, out });
}
