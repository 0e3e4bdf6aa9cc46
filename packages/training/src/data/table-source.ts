/** Lists of examples as tables: CSV or TSV with a first line that names the columns. They are held in memory. */
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { TrainingError } from "../errors.ts";
import { parseDelimited } from "./delimited.ts";
import type { ExampleSource } from "./example.ts";
import { exampleFromRow, resolveColumns, type SourceOptions } from "./rows.ts";

/** @throws TrainingError for a list that is missing, empty or malformed, or lacks a column. */
export async function openTableSource(path: string, options: SourceOptions = {}): Promise<ExampleSource> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file" : `cannot be read (${message})`;
    throw new TrainingError(`${path}: ${reason}; expected a table of clips; check the path`);
  }
  const rows = parseDelimited(text, path.toLowerCase().endsWith(".csv") ? "," : "\t", path);
  if (rows.length === 0) throw new TrainingError(`${path}: names no clips; expected at least one row`);
  return rowsSource(path, rows, (index) => `${path}#${index}`, dirname(path), options);
}

/** A source over rows in memory, all with the first one's columns. */
export function rowsSource(
  name: string,
  rows: readonly Readonly<Record<string, unknown>>[],
  idOf: (index: number) => string,
  folder: string,
  options: SourceOptions,
): ExampleSource {
  const columns = resolveColumns(name, Object.keys(rows[0] ?? {}), options);
  return {
    name,
    length: rows.length,
    async example(index) {
      return exampleFromRow(rows[index] as Record<string, unknown>, { id: idOf(index), folder, columns, options });
    },
    async close() {},
  };
}
