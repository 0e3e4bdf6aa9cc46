/** Parquet files of clips with labels, as Hugging Face data sets hold them: audio bytes in a column, labels beside it. */
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { openParquet, type ParquetFile, readRowGroup } from "../../data/parquet-file.ts";
import { TrainingError } from "../../errors.ts";
import { CLIP_LABELS, type ClipLabel, type ClipLabels, type ClipRow } from "./clip-rows.ts";
import { withDefaults } from "./folder.ts";
import { ClipCache, decodeClip } from "./read-clip.ts";
import { UnreadableClip } from "./source.ts";

export interface ParquetOptions {
  readonly name: string;
  /** A file, or a folder of files. */
  readonly path: string;
  /** Names of columns, where they differ from those of the labels. */
  readonly columns: { readonly [K in ClipLabel | "audio"]?: string | undefined };
  readonly labels: ClipLabels;
  readonly sampleRate: number;
}

/** The rows of Parquet files. @throws TrainingError when there are none, or a column named is missing. */
export async function parquetClips(options: ParquetOptions): Promise<ClipRow[]> {
  const cache = new ClipCache();
  const rows: ClipRow[] = [];
  for (const path of await parquetFiles(options)) rows.push(...(await fileClips(path, options, cache)));
  if (rows.length === 0)
    throw new TrainingError(`${options.path}: has no rows; expected clips for source "${options.name}"`);
  return rows;
}

async function parquetFiles({ name, path }: ParquetOptions): Promise<string[]> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile()) return [path];
  const names = facts?.isDirectory() ? (await readdir(path)).filter((n) => n.endsWith(".parquet")).sort() : [];
  if (names.length > 0) return names.map((n) => join(path, n));
  throw new TrainingError(
    `${path}: ${facts ? "has no .parquet files" : "no such file or folder"}; expected clips for source "${name}"; correct its path`,
  );
}

async function fileClips(path: string, options: ParquetOptions, cache: ClipCache): Promise<ClipRow[]> {
  const file = await openParquet(path);
  const there = file.columns.map(({ name }) => name);
  const columnOf = (name: ClipLabel | "audio") => {
    const column = options.columns[name] ?? (name === "licence" && there.includes("license") ? "license" : name);
    if (there.includes(column)) return column;
    if (name === "audio" || options.columns[name])
      throw new TrainingError(
        `${path}: has no column "${column}" for ${name}; its columns are ${there.join(", ")}; name it in columns of source "${options.name}"`,
      );
    return undefined;
  };
  const audio = columnOf("audio")!;
  const used = CLIP_LABELS.flatMap((label) => {
    const column = columnOf(label);
    return column === undefined ? [] : [[label, column] as const];
  });
  const rows: ClipRow[] = [];
  for (const [group, { num_rows }] of file.metadata.row_groups.entries()) {
    const table = used.length === 0 ? [] : await readRowGroup(file, group, [...new Set(used.map(([, c]) => c))]);
    for (let i = 0; i < Number(num_rows); i++) {
      const clip = `${basename(path)}#${rows.length}`;
      const labels = Object.fromEntries(
        used.map(([label, column]) => [label, cellText(file, column, table[i]?.[column])]),
      );
      rows.push({
        clip,
        where: path,
        labels: withDefaults(labels, options.labels),
        read: () => cache.get(clip, () => readAudio(file, group, i, { column: audio, clip, options })),
      });
    }
  }
  return rows;
}

/** A cell as text; the name of its class where it is a number with names. */
function cellText({ classes }: ParquetFile, column: string, cell: unknown): string | undefined {
  if (cell === null || cell === undefined) return undefined;
  const names = classes.get(column);
  return (names && /^\d+$/.test(String(cell)) ? names[Number(cell)] : undefined) ?? String(cell);
}

/** The row group around a clip is read as a whole: files for this use have small ones. */
async function readAudio(
  file: ParquetFile,
  group: number,
  row: number,
  { column, clip, options }: { column: string; clip: string; options: ParquetOptions },
): Promise<Float32Array> {
  let cell: unknown;
  try {
    cell = (await readRowGroup(file, group, [column]))[row]?.[column];
  } catch (error) {
    throw new UnreadableClip(clip, (error as Error).message);
  }
  const bytes = cell instanceof Uint8Array ? cell : (cell as { bytes?: unknown } | null | undefined)?.bytes;
  if (!(bytes instanceof Uint8Array)) throw new UnreadableClip(clip, `its column "${column}" holds no bytes`);
  return decodeClip(bytes, clip, options.sampleRate);
}
