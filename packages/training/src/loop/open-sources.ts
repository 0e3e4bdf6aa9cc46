/** From `data` of a run's configuration to lists of examples. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { SourceConfig } from "../config/data-config.ts";
import type { ExampleSource } from "../data/example.ts";
import { openFolderSource } from "../data/folder-source.ts";
import { openHubSource } from "../data/hub-source.ts";
import { openManifestSource } from "../data/manifest-source.ts";
import { openParquetSource } from "../data/parquet-source.ts";
import type { ColumnRole, SourceOptions } from "../data/rows.ts";
import { TrainingError } from "../errors.ts";
import { ensureScenes } from "../synth/ensure-scenes.ts";

export interface OpenSourceOptions {
  /** Columns without which rows are of no use. */
  readonly required?: readonly ColumnRole[] | undefined;
  /** Where the synthesiser keeps what it made. */
  readonly cache: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((label: string, done: number, total: number) => void) | undefined;
}

/** What a source is called in messages and reports. */
export const sourceName = ({ path, manifest, folder, dataset, synth }: SourceConfig): string =>
  [path, manifest, folder, dataset, synth].find((place) => place !== undefined)?.toString() ?? "source";

/** @throws TrainingError for a list that is not there, empty, or lacks a column. */
export async function openSource(config: SourceConfig, options: OpenSourceOptions): Promise<ExampleSource> {
  const { path, manifest, folder, dataset, synth } = config;
  const common: SourceOptions = {
    columns: Object.fromEntries(Object.entries(config.columns).filter(([, name]) => name !== undefined)),
    required: options.required,
    task: config.task,
    language: config.language,
    timed: config.timed,
  };
  if (path !== undefined) return openParquetSource(await matchingFiles(path), common);
  if (manifest !== undefined) return openManifestSource(manifest, common);
  if (folder !== undefined) return openFolderSource(folder, common);
  if (dataset !== undefined) return openHubSource(dataset, { ...common, config: config.config, split: config.split });
  const { files } = await ensureScenes(synth as string, options.cache, {
    split: sceneSplit(config),
    ...(options.signal && { signal: options.signal }),
    onProgress: ({ done, total }) => options.onProgress?.(`scenes of ${basename(synth as string)}`, done, total),
  });
  return openParquetSource(files, common);
}

function sceneSplit({ split, synth }: SourceConfig): "train" | "validation" | undefined {
  if (split === undefined || split === "train" || split === "validation") return split;
  throw new TrainingError(`${synth}: split is ${split}; scenes have train and validation`);
}

/** Files of a path, a pattern in its last part (`*` and `?`), or a list of such. */
async function matchingFiles(given: string | readonly string[]): Promise<string[]> {
  if (typeof given !== "string") return (await Promise.all(given.map(matchingFiles))).flat();
  const name = basename(given);
  if (/[*?]/.test(name)) {
    const pattern = new RegExp(
      `^${name
        .replace(/[.+^${}()|[\]\\]/g, "\\$&")
        .replaceAll("*", ".*")
        .replaceAll("?", ".")}$`,
    );
    const entries = await readdir(dirname(given)).catch(() => []);
    const found = entries.filter((entry) => pattern.test(entry)).sort();
    if (found.length === 0) throw new TrainingError(`${given}: matches no file; expected Parquet files`);
    return found.map((entry) => join(dirname(given), entry));
  }
  const information = await stat(given).catch(() => undefined);
  if (!information) throw new TrainingError(`${given}: no such file; expected a Parquet file`);
  if (!information.isDirectory()) return [given];
  const found = (await readdir(given)).filter((entry) => entry.endsWith(".parquet")).sort();
  if (found.length === 0) throw new TrainingError(`${given}: holds no Parquet files; expected some`);
  return found.map((entry) => join(given, entry));
}
