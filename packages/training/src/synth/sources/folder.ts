/** A folder of clips. Labels stand in its metadata.tsv, or are the names of sub-folders or files. */
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { parseDelimited } from "../../data/delimited.ts";
import { TrainingError } from "../../errors.ts";
import { CLIP_LABELS, type ClipLabels, type ClipRow } from "./clip-rows.ts";
import { ClipCache, decodeClip } from "./read-clip.ts";

const METADATA = "metadata.tsv";
const AUDIO = /\.(wav|flac|mp3|ogg|oga|opus|m4a|mp4|aac|webm)$/i;

export interface FolderOptions {
  readonly name: string;
  readonly path: string;
  /** Labels of every clip that has none of its own. */
  readonly labels: ClipLabels;
  readonly sampleRate: number;
}

/** The clips of a folder, sorted by path. @throws TrainingError when it is missing, empty, or its table has gaps. */
export async function folderClips(options: FolderOptions): Promise<ClipRow[]> {
  const { name, path } = options;
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isDirectory())
    throw new TrainingError(
      `${path}: ${facts ? "is not a folder" : "no such folder"}; expected the clips of source "${name}"; correct its path`,
    );
  const table = await readFile(join(path, METADATA), "utf8").catch(() => undefined);
  const rows = table === undefined ? await namedClips(path) : tableClips(table, join(path, METADATA));
  if (rows.length === 0)
    throw new TrainingError(`${path}: has no clips; expected audio files for source "${name}"; correct its path`);
  const cache = new ClipCache();
  return rows.map(({ clip, where, labels }) => ({
    clip,
    where,
    labels: withDefaults(labels, options.labels),
    read: () => cache.get(clip, () => decodeClip(join(path, clip), clip, options.sampleRate)),
  }));
}

/** A row's labels over those of its source; empty ones do not count. */
export function withDefaults(labels: ClipLabels, defaults: ClipLabels): ClipLabels {
  return { ...defaults, ...Object.fromEntries(Object.entries(labels).filter(([, value]) => value)) };
}

type Named = Omit<ClipRow, "read">;

function tableClips(table: string, where: string): Named[] {
  return parseDelimited(table, "\t", where).map(({ license, ...row }, i) => {
    if (row.path === undefined)
      throw new TrainingError(`${where}: has no column "path"; its columns are ${Object.keys(row).join(", ")}; add it`);
    const place = `${where} row ${i + 1}`;
    if (row.path === "") throw new TrainingError(`${place}: its path is empty; expected that of an audio file`);
    const cells: Readonly<Record<string, string | undefined>> = { licence: license, ...row };
    return {
      clip: row.path,
      where: place,
      labels: Object.fromEntries(CLIP_LABELS.map((label) => [label, cells[label]?.trim()])),
    };
  });
}

/** Without a table: the name of the sub-folder, or of the file where it lies in the folder itself. */
async function namedClips(folder: string): Promise<Named[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((e) => e.isFile() && AUDIO.test(e.name))
    .map((e) => relative(folder, join(e.parentPath, e.name)).split(sep).join("/"));
  return paths.sort().map((clip) => {
    const parent = basename(dirname(clip));
    const label = labelOf(parent === "." ? basename(clip, extname(clip)) : parent);
    return { clip, where: folder, labels: { label } };
  });
}

/** A name as words: `dog_bark-03` → `dog bark`, `CarHorn` → `car horn`. */
export const labelOf = (name: string): string =>
  name
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .replace(/[_\-.\s]+/g, " ")
    .replace(/[\s(]*\d+[)\s]*$/, "")
    .trim()
    .toLowerCase() || name;
