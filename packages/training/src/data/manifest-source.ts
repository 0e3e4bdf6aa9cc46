/**
 * Manifests: tables (table-source.ts) by their ending, otherwise JSONL, one JSON object a line. All lines are looked at when the list is opened, so that a broken one is told
 * before training begins; afterwards only the place of every 32nd line is kept.
 */
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { TrainingError } from "../errors.ts";
import type { Example, ExampleSource } from "./example.ts";
import { type ColumnRole, exampleFromRow, type RowColumns, resolveColumns, type SourceOptions } from "./rows.ts";
import { openTableSource } from "./table-source.ts";

const STRIDE = 32;
const LONGEST_LINE = 2 ** 24;
const MOST_KEYS = 1000;

/** Where each 32nd row begins. */
class RowIndex {
  length = 0;
  #offsets = new Float64Array(64);
  #lines = new Float64Array(64);

  add(offset: number, line: number): void {
    if (this.length++ % STRIDE > 0) return;
    const at = Math.floor((this.length - 1) / STRIDE);
    if (at === this.#offsets.length) {
      const grow = (old: Float64Array) => {
        const grown = new Float64Array(2 * old.length);
        grown.set(old);
        return grown;
      };
      this.#offsets = grow(this.#offsets);
      this.#lines = grow(this.#lines);
    }
    this.#offsets[at] = offset;
    this.#lines[at] = line;
  }

  /** Offset and line number of the last kept row at or before `row`, and how many rows to go from there. */
  find(row: number): { offset: number; line: number; rest: number } {
    const at = Math.floor(row / STRIDE);
    return { offset: this.#offsets[at] as number, line: this.#lines[at] as number, rest: row % STRIDE };
  }
}

/**
 * Opens a manifest.
 * @throws TrainingError with the line number for a line that is no JSON object, or lacks its audio or a required column;
 *   and for a missing or empty list.
 */
export async function openManifestSource(path: string, options: SourceOptions = {}): Promise<ExampleSource> {
  if (/\.(csv|tsv)$/i.test(path)) return openTableSource(path, options);
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new TrainingError(
      missing
        ? `${path}: no such file; expected a list of JSON lines; check the path`
        : `${path}: cannot be read (${(cause as Error).message}); check its permissions`,
    );
  }
  try {
    const rows = new RowIndex();
    const keys = new Set<string>();
    let columns: RowColumns | undefined;
    for await (const { text, offset, line } of linesFrom(file, 0, 1, path)) {
      const row = parseLine(text, path, line);
      const known = keys.size;
      for (const key of Object.keys(row)) if (keys.size < MOST_KEYS) keys.add(key);
      // what the first lines called their columns stands; a later line may bring one that they left out
      if (keys.size > known) columns = { ...resolveColumns(`${path}:${line}`, [...keys], options), ...columns };
      for (const role of new Set<ColumnRole>(["audio", ...(options.required ?? [])])) {
        const name = columns?.[role];
        if (name === undefined || row[name] === undefined || row[name] === null) {
          throw new TrainingError(
            `${path}:${line}: has no ${name === undefined ? role : `"${name}"`}; expected one in every line; add it or drop the line`,
          );
        }
      }
      rows.add(offset, line);
    }
    if (columns === undefined) throw new TrainingError(`${path}: is empty; expected at least one line of JSON`);
    return new ManifestSource(path, file, rows, columns, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

class ManifestSource implements ExampleSource {
  readonly name: string;
  readonly length: number;
  readonly #file: FileHandle;
  readonly #rows: RowIndex;
  readonly #columns: RowColumns;
  readonly #options: SourceOptions;

  constructor(path: string, file: FileHandle, rows: RowIndex, columns: RowColumns, options: SourceOptions) {
    this.name = path;
    this.length = rows.length;
    this.#file = file;
    this.#rows = rows;
    this.#columns = columns;
    this.#options = options;
  }

  async example(index: number): Promise<Example> {
    const found = this.#rows.find(index);
    let { rest } = found;
    for await (const { text, line } of linesFrom(this.#file, found.offset, found.line, this.name)) {
      if (rest-- > 0) continue;
      return exampleFromRow(parseLine(text, this.name, line), {
        id: `${this.name}:${line}`,
        folder: dirname(this.name),
        columns: this.#columns,
        options: this.#options,
      });
    }
    throw new TrainingError(`${this.name}: has become shorter while it was in use; start again with a list that stays`);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function parseLine(text: string, path: string, line: number): Record<string, unknown> {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    throw new TrainingError(`${path}:${line}: is not JSON; expected one object a line; mend or drop the line`);
  }
  if (typeof row !== "object" || row === null || Array.isArray(row)) {
    throw new TrainingError(`${path}:${line}: is not a JSON object; expected {"audio_filepath": …, "text": …}`);
  }
  return row as Record<string, unknown>;
}

interface Line {
  readonly text: string;
  /** Bytes from the file's beginning. */
  readonly offset: number;
  /** Counted from 1, blank lines included. */
  readonly line: number;
}

/** The lines from `offset` on that are not blank. */
async function* linesFrom(file: FileHandle, offset: number, line: number, path: string): AsyncGenerator<Line> {
  let pending = Buffer.alloc(0);
  let start = offset;
  // single rows are read by small pieces, whole files by larger ones as the loop goes on
  for (let size = 1 << 14, at = offset; ; size = Math.min(2 * size, 1 << 20)) {
    const chunk = Buffer.alloc(size);
    const { bytesRead } = await file.read(chunk, 0, size, at);
    at += bytesRead;
    pending = Buffer.concat([pending, chunk.subarray(0, bytesRead)]);
    const ended = bytesRead === 0;
    for (;;) {
      const newline = pending.indexOf(10);
      if (newline < 0 && !(ended && pending.length > 0)) break;
      const end = newline < 0 ? pending.length : newline;
      const text = pending.toString("utf8", 0, end).replace(/^\uFEFF/, "");
      if (text.trim() !== "") yield { text, offset: start, line };
      const taken = newline < 0 ? end : newline + 1;
      start += taken;
      line++;
      pending = pending.subarray(taken);
    }
    if (ended) return;
    if (pending.length > LONGEST_LINE) {
      throw new TrainingError(`${path}:${line}: is longer than 16 MiB; expected one JSON object a line`);
    }
  }
}
