/** From `data` of a run's configuration to lists of examples. */
import { basename } from "node:path";
import type { SourceConfig } from "../config/data-config.ts";
import { shardPaths } from "../config/shard-paths.ts";
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
  return withLabelNames(await openList(config, options), config.columns);
}

/** Labels that the systems look for, under the names they know. */
const LABELS = ["phonemes", "codes", "embedding"] as const;

function withLabelNames(source: ExampleSource, columns: SourceConfig["columns"]): ExampleSource {
  const renamed = LABELS.filter((name) => columns[name] !== name);
  if (renamed.length === 0) return source;
  return {
    name: source.name,
    length: source.length,
    ...(source.blocks && { blocks: source.blocks }),
    close: () => source.close(),
    async example(index) {
      const example = await source.example(index);
      const labels = Object.fromEntries(renamed.map((name) => [name, example.labels[columns[name]]]));
      return { ...example, labels: { ...example.labels, ...labels } };
    },
  };
}

async function openList(config: SourceConfig, options: OpenSourceOptions): Promise<ExampleSource> {
  const { path, manifest, folder, dataset, synth } = config;
  const common: SourceOptions = {
    columns: Object.fromEntries(Object.entries(config.columns).filter(([, name]) => name !== undefined)),
    required: options.required,
    task: config.task,
    language: config.language,
    timed: config.timed,
  };
  if (path !== undefined) return openParquetSource(await shardPaths(path), common);
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
