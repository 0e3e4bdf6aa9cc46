/**
 * Hugging Face data sets: a local folder of Parquet shards, or a hub id whose shards are downloaded once into the hub's
 * cache. A split's files are told by their paths, as the hub does itself: `data/train-00000-of-00002.parquet`,
 * `CONFIG/train/0000.parquet`. Sets in other forms have a branch `refs/convert/parquet` made by the hub.
 */
import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { downloadHubDataset, type HubDatasetOptions } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import type { ExampleSource } from "./example.ts";
import { openParquetSource } from "./parquet-source.ts";
import type { SourceOptions } from "./rows.ts";

export interface HubSourceOptions extends SourceOptions, Omit<HubDatasetOptions, "choose"> {
  /** `train` by default. */
  readonly split?: string | undefined;
  /** Configuration: the folder, or the first part of the names, of the files meant. Needed where there are several. */
  readonly config?: string | undefined;
}

/**
 * @param name a folder, or `org/name` on the hub.
 * @throws TrainingError when it has no Parquet files of the split, and as openParquetSource; CheckpointError as
 *   downloadHubDataset.
 */
export async function openHubSource(name: string, options: HubSourceOptions = {}): Promise<ExampleSource> {
  const { split = "train", config } = options;
  const choose = (paths: readonly string[]) => splitFiles(paths, split, config, name);
  const local = await stat(name).catch(() => undefined);
  if (local && !local.isDirectory()) {
    throw new TrainingError(`${name}: is a file; expected a folder of Parquet files or a data set's id on the hub`);
  }
  if (!local && /^[./~]|^[^/]*$|\/.*\//.test(name)) {
    throw new TrainingError(`${name}: no such folder, and no id on the hub; expected a folder or org/name`);
  }
  const { folder, paths } = local
    ? { folder: name, paths: choose(await relativeFiles(name)) }
    : await downloadHubDataset(name, { ...options, choose });
  return openParquetSource(
    paths.map((path) => join(folder, path)),
    options,
  );
}

async function relativeFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join("/"));
}

/** The Parquet files among `paths` that belong to a split and configuration, sorted. @throws TrainingError */
export function splitFiles(
  paths: readonly string[],
  split: string,
  config: string | undefined,
  name: string,
): readonly string[] {
  const parquet = paths.filter((path) => path.endsWith(".parquet") && !/(^|\/)\./.test(path)).sort();
  if (parquet.length === 0) {
    throw new TrainingError(
      `${name}: has no Parquet files; expected some; for a set in another form, give revision refs/convert/parquet`,
    );
  }
  // one part of the path, or one word of a name between -, _ and . is the split
  const words = (path: string) => path.replace(/\.parquet$/, "").split(/[/._-]/);
  const isWord = (path: string, word: string) =>
    `/${path.replace(/\.parquet$/, "")}/`.search(new RegExp(`[/._-]${escaped(word)}[/._-]`)) >= 0;
  const configured = config === undefined ? parquet : parquet.filter((path) => isWord(path, config));
  if (configured.length === 0) {
    throw new TrainingError(`${name}: has no Parquet files of configuration "${config}"; it has ${some(parquet)}`);
  }
  const found = configured.filter((path) => isWord(path, split));
  const others = ["train", "validation", "valid", "dev", "test", "eval"];
  // files that name no split at all are a set of one split
  const chosen = found.length > 0 ? found : configured.filter((path) => !words(path).some((w) => others.includes(w)));
  if (chosen.length === 0 || (found.length === 0 && split !== "train")) {
    throw new TrainingError(`${name}: has no Parquet files of split "${split}"; it has ${some(configured)}`);
  }
  const folders = new Set(chosen.map((path) => path.split("/").slice(0, -1).join("/")));
  if (config === undefined && folders.size > 1) {
    throw new TrainingError(
      `${name}: has several configurations (${[...folders].slice(0, 8).join(", ")}); name one as config`,
    );
  }
  return chosen;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const some = (paths: readonly string[]): string =>
  paths.slice(0, 4).join(", ") + (paths.length > 4 ? `, … (${paths.length} files)` : "");
