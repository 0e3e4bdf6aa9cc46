/**
 * Parquet lists: one file or many shards, with audio inside (Hugging Face's `{ bytes, path }`) or as paths. Row groups
 * are read as they are needed and the ones used last are kept, within a bound; rows are therefore shuffled within as
 * many row groups as fit into it.
 */
import { dirname } from "node:path";
import { TrainingError } from "../errors.ts";
import type { Example, ExampleSource, RowBlocks } from "./example.ts";
import {
  checkGroupSize,
  groupBytes,
  openParquet,
  type ParquetColumn,
  type ParquetFile,
  readRowGroup,
} from "./parquet-file.ts";
import { blockOf } from "./permutation.ts";
import { exampleFromRow, type RowColumns, resolveColumns, type SourceOptions } from "./rows.ts";

/** Decoded row groups kept at a time, bytes. */
const KEPT_BYTES = 2 ** 28;
/** Footers kept at a time: those of thousands of shards would fill the memory. */
const KEPT_FOOTERS = 8;

interface Shard {
  readonly path: string;
  readonly columns: RowColumns;
  /** All columns that are read. */
  readonly read: readonly string[];
  /** First row and first row group of the file within the list. */
  readonly firstRow: number;
  readonly firstGroup: number;
}

/**
 * Opens Parquet files as one list, in the order given. Only their footers are read.
 * @throws TrainingError when there is no row, a file cannot be read, or a column is missing or of the wrong type.
 */
export async function openParquetSource(
  files: readonly string[],
  options: SourceOptions & { readonly keptBytes?: number } = {},
): Promise<ExampleSource> {
  const shards: Shard[] = [];
  const starts = [0];
  let largest = 0;
  for (const path of files) {
    const file = await openParquet(path);
    const columns = resolveColumns(
      path,
      file.columns.map(({ name }) => name),
      options,
    );
    checkTypes(file, columns, options);
    const read = file.columns.filter((column) => isRead(column, columns)).map(({ name }) => name);
    shards.push({ path, columns, read, firstRow: starts.at(-1) as number, firstGroup: starts.length - 1 });
    for (const [i, group] of file.metadata.row_groups.entries()) {
      const bytes = groupBytes(group, new Set(read));
      checkGroupSize(path, i, bytes);
      largest = Math.max(largest, bytes);
      starts.push((starts.at(-1) as number) + Number(group.num_rows));
    }
  }
  const name = files.length === 1 ? (files[0] as string) : `${files[0]} and ${files.length - 1} more`;
  const length = starts.at(-1) as number;
  if (files.length === 0) throw new TrainingError("an empty list of Parquet files; expected at least one");
  if (!(length > 0)) throw new TrainingError(`${name}: has no rows; expected at least one example`);
  const kept = options.keptBytes ?? KEPT_BYTES;
  const window = Math.max(1, Math.floor(kept / largest));
  return new ParquetSource(name, shards, { starts: Float64Array.from(starts), window }, kept, options);
}

/** Bytes that are no audio (pictures, embeddings) are left in the file. */
const isRead = ({ name, type }: ParquetColumn, columns: RowColumns): boolean =>
  Object.values(columns).includes(name) || (type !== "bytes" && type !== "audio");

function checkTypes(
  { path, columns: present, classes }: ParquetFile,
  columns: RowColumns,
  options: SourceOptions,
): void {
  const typeOf = (name: string | undefined) => present.find((column) => column.name === name)?.type;
  const audio = typeOf(columns.audio);
  if (audio !== "audio" && audio !== "bytes" && audio !== "text") {
    throw new TrainingError(
      `${path}: column "${columns.audio}" holds ${plural(audio)}; expected paths, files' bytes or { bytes, path }; name another in columns.audio`,
    );
  }
  const text = typeOf(columns.text);
  const isText = text === undefined || text === "text" || text === "bytes" || classes.has(columns.text as string);
  if (!isText && (options.columns?.text !== undefined || options.required?.includes("text"))) {
    throw new TrainingError(
      `${path}: column "${columns.text}" holds ${plural(text)}; expected text; name another in columns.text`,
    );
  }
}

const plural = (type: ParquetColumn["type"] | undefined): string =>
  type === "number" ? "numbers" : type === "list" ? "lists" : "neither";

class ParquetSource implements ExampleSource {
  readonly name: string;
  readonly length: number;
  readonly blocks: RowBlocks;
  readonly #shards: readonly Shard[];
  readonly #firstRows: Float64Array;
  readonly #keptBytes: number;
  readonly #options: SourceOptions;
  /** By row group, the one used last at the end. */
  readonly #groups = new Map<number, { rows: Promise<Record<string, unknown>[]>; bytes: number }>();
  readonly #footers = new Map<number, Promise<ParquetFile>>();

  constructor(name: string, shards: readonly Shard[], blocks: RowBlocks, keptBytes: number, options: SourceOptions) {
    this.name = name;
    this.length = blocks.starts.at(-1) as number;
    this.blocks = blocks;
    this.#shards = shards;
    this.#firstRows = Float64Array.from([...shards.map(({ firstRow }) => firstRow), this.length]);
    this.#keptBytes = keptBytes;
    this.#options = options;
  }

  async example(index: number): Promise<Example> {
    const at = blockOf(this.#firstRows, index);
    const { path, firstRow, columns } = this.#shards[at] as Shard;
    const block = blockOf(this.blocks.starts, index);
    const rows = await this.#group(at, block);
    const row = rows[index - (this.blocks.starts[block] as number)] as Record<string, unknown>;
    return exampleFromRow(row, {
      id: `${path}#${index - firstRow}`,
      folder: dirname(path),
      columns,
      options: this.#options,
    });
  }

  async close(): Promise<void> {
    this.#groups.clear();
    this.#footers.clear();
  }

  #group(shard: number, block: number): Promise<Record<string, unknown>[]> {
    const known = this.#groups.get(block);
    if (known) {
      this.#groups.delete(block);
      this.#groups.set(block, known);
      return known.rows;
    }
    const entry = { rows: this.#read(shard, block, (bytes) => this.#makeRoom(entry, bytes)), bytes: 0 };
    this.#groups.set(block, entry);
    return entry.rows;
  }

  async #read(at: number, block: number, onSize: (bytes: number) => void): Promise<Record<string, unknown>[]> {
    const { firstGroup, read, columns, path } = this.#shards[at] as Shard;
    const file = await this.#footer(at);
    const group = file.metadata.row_groups[block - firstGroup];
    if (!group || Number(group.num_rows) !== this.blocks.starts[block + 1]! - this.blocks.starts[block]!) {
      throw new TrainingError(`${path}: has changed while it was in use; start again with files that stay`);
    }
    onSize(groupBytes(group, new Set(read)));
    const rows = await readRowGroup(file, block - firstGroup, read);
    for (const row of rows) normalise(row, columns, file.classes);
    return rows;
  }

  #makeRoom(entry: { bytes: number }, bytes: number): void {
    entry.bytes = bytes;
    let total = [...this.#groups.values()].reduce((sum, group) => sum + group.bytes, 0);
    for (const [block, group] of this.#groups) {
      if (total <= this.#keptBytes) return;
      if (group === entry) continue;
      total -= group.bytes;
      this.#groups.delete(block);
    }
  }

  #footer(at: number): Promise<ParquetFile> {
    const known = this.#footers.get(at);
    if (known) return known;
    if (this.#footers.size >= KEPT_FOOTERS) this.#footers.delete(this.#footers.keys().next().value as number);
    const footer = openParquet((this.#shards[at] as Shard).path);
    this.#footers.set(at, footer);
    return footer;
  }
}

/** Class numbers become names, 64-bit numbers plain ones, bytes that should be text text. */
function normalise(
  row: Record<string, unknown>,
  columns: RowColumns,
  classes: ReadonlyMap<string, readonly string[]>,
): void {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === "bigint") row[name] = Number(value);
    else if (Array.isArray(value)) row[name] = value.map((item) => (typeof item === "bigint" ? Number(item) : item));
    else if (value instanceof Uint8Array && name !== columns.audio) row[name] = new TextDecoder().decode(value);
    const names = classes.get(name);
    if (names && typeof row[name] === "number") row[name] = names[row[name]] ?? row[name];
  }
}
