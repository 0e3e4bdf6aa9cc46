import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { TrainingError } from "../errors.ts";

/**
 * The files that `path` of a source means, in the order given, those of one entry sorted by name.
 * @param entries files; folders, for the Parquet files in them; paths with `*` in their last part.
 * @throws TrainingError for an entry that no file fits.
 */
export async function shardPaths(entries: string | readonly string[]): Promise<string[]> {
  const lists = await Promise.all((typeof entries === "string" ? [entries] : entries).map(shardsOf));
  return lists.flat();
}

async function shardsOf(entry: string): Promise<string[]> {
  const isFolder = (await stat(entry).catch(() => undefined))?.isDirectory() ?? false;
  const name = isFolder ? "*.parquet" : basename(entry);
  if (!isFolder && !name.includes("*")) return [entry];
  const folder = isFolder ? entry : dirname(entry);
  const parts = name.split("*");
  const names = await readdir(folder).catch(() => []);
  const found = names.filter((file) => !file.startsWith(".") && fits(file, parts)).sort();
  if (found.length === 0)
    throw new TrainingError(
      `${entry}: no file fits; expected ${isFolder ? "Parquet files in it" : "at least one"}; check the path`,
    );
  return found.map((file) => join(folder, file));
}

/** Whether a name consists of the parts, in order, with anything between them. */
function fits(name: string, parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  const last = rest.pop() ?? "";
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
