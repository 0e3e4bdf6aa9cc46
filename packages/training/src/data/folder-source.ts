/**
 * Folders of audio files, as Hugging Face's AudioFolder: labels from the names of sub-folders (`dog/1.wav`), or from
 * `metadata.csv`, `.tsv` or `.jsonl` beside them, whose column `file_name` says which file a row is about.
 */
import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { TrainingError } from "../errors.ts";
import type { ExampleSource } from "./example.ts";
import { openManifestSource } from "./manifest-source.ts";
import type { SourceOptions } from "./rows.ts";
import { openTableSource, rowsSource } from "./table-source.ts";

const EXTENSIONS = new Set([".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".mp4", ".aac", ".webm"]);

/** Audio files below a folder by their endings, sorted by path; hidden ones are left out. @throws TrainingError */
export async function listAudioFiles(folder: string): Promise<string[]> {
  let entries: Dirent[];
  try {
    entries = await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such folder" : code === "ENOTDIR" ? "is not a folder" : message;
    throw new TrainingError(`${folder}: ${reason}; expected a folder of audio files; check the path`);
  }
  return entries
    .filter((entry) => !entry.isDirectory() && EXTENSIONS.has(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter(
      (path) =>
        !relative(folder, path)
          .split(sep)
          .some((part) => part.startsWith(".")),
    )
    .sort((a, b) => (a < b ? -1 : 1));
}

/**
 * Opens a folder. Without metadata a clip's sub-folder is its `label`, which is taken for its tag.
 * @throws TrainingError for a folder that is missing or holds no audio, and for metadata that cannot be used.
 */
export async function openFolderSource(folder: string, options: SourceOptions = {}): Promise<ExampleSource> {
  const files = await listAudioFiles(folder);
  const names = await readdir(folder);
  const metadata = ["metadata.csv", "metadata.tsv", "metadata.jsonl"].filter((name) => names.includes(name));
  if (metadata.length > 1) {
    throw new TrainingError(`${folder}: has ${metadata.join(" and ")}; expected one of them; remove the others`);
  }
  const list = metadata[0] && join(folder, metadata[0]);
  const columns = { ...options.columns };
  columns.audio ??= "file_name";
  if (list?.endsWith(".jsonl")) return openManifestSource(list, { ...options, columns });
  if (list !== undefined) return openTableSource(list, { ...options, columns });
  if (files.length === 0) {
    throw new TrainingError(`${folder}: holds no audio files; expected some of ${[...EXTENSIONS].join(" ")}`);
  }
  const rows = files.map((path) => {
    const file_name = relative(folder, path);
    const parent = dirname(file_name);
    return { file_name, label: parent === "." ? null : basename(parent) };
  });
  return rowsSource(folder, rows, (index) => files[index] as string, folder, { ...options, columns });
}
