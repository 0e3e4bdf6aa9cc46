/** One Parquet file: what its footer says, and its row groups. Pages are decoded by hyparquet. */
import { open } from "node:fs/promises";
import * as zlib from "node:zlib";
import type { Compressors, FileMetaData, RowGroup, SchemaTree } from "hyparquet";
import { TrainingError } from "../errors.ts";

/** A top-level column as far as its type matters here. */
export interface ParquetColumn {
  readonly name: string;
  readonly type: "text" | "bytes" | "audio" | "number" | "list" | "other";
}

/** What the footer of a file says. */
export interface ParquetFile {
  readonly path: string;
  readonly metadata: FileMetaData;
  readonly columns: readonly ParquetColumn[];
  /** Names of the classes of integer columns, where Hugging Face's metadata give them. */
  readonly classes: ReadonlyMap<string, readonly string[]>;
}

/** Row groups beyond this are refused rather than decoded into memory. */
const LARGEST_GROUP = 2 ** 30;

// zstd came to Node with 22.15
const zstd = (zlib as { zstdDecompressSync?: (input: Uint8Array) => Uint8Array }).zstdDecompressSync;
const compressors: Compressors = {
  GZIP: (input, length) => zlib.gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => zlib.brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ...(zstd && { ZSTD: (input) => zstd(input) }),
};
const CODECS = new Set(["UNCOMPRESSED", "SNAPPY", ...Object.keys(compressors)]);

/** @throws TrainingError when the file is missing, not Parquet, damaged, or packed by a codec not known here. */
export async function openParquet(path: string): Promise<ParquetFile> {
  const { parquetMetadataAsync, parquetSchema } = await import("hyparquet");
  const metadata = await reading(path, async () => parquetMetadataAsync(await fileBuffer(path), { geoparquet: false }));
  const columns = parquetSchema(metadata).children.map((tree) => ({ name: tree.element.name, type: columnType(tree) }));
  for (const { meta_data: column } of metadata.row_groups.flatMap((group) => group.columns)) {
    if (column && !CODECS.has(column.codec)) {
      const remedy = column.codec === "ZSTD" ? "use Node 22.15 or newer, or write it" : "write it";
      throw new TrainingError(
        `${path}: is compressed by ${column.codec}; expected ${[...CODECS].join(", ").toLowerCase()}; ${remedy} with snappy`,
      );
    }
  }
  return { path, metadata, columns, classes: classNames(metadata) };
}

function columnType({ element, children }: SchemaTree): ParquetColumn["type"] {
  if (children.length > 0) {
    if (element.logical_type?.type === "LIST" || element.converted_type === "LIST") return "list";
    return children.some((child) => child.element.name === "bytes" || child.element.name === "path")
      ? "audio"
      : "other";
  }
  if (element.repetition_type === "REPEATED") return "list";
  if (element.type === "BYTE_ARRAY") {
    const text = ["UTF8", "ENUM", "JSON"].includes(element.converted_type ?? "");
    return text || ["STRING", "ENUM", "JSON"].includes(element.logical_type?.type ?? "") ? "text" : "bytes";
  }
  return ["INT32", "INT64", "FLOAT", "DOUBLE"].includes(element.type ?? "") ? "number" : "other";
}

/** `{"info": {"features": {"label": {"names": [...], "_type": "ClassLabel"}}}}` under the key `huggingface`. */
function classNames({ key_value_metadata: pairs = [] }: FileMetaData): Map<string, readonly string[]> {
  const classes = new Map<string, readonly string[]>();
  try {
    const text = pairs.find(({ key }) => key === "huggingface")?.value;
    const features = text && JSON.parse(text)?.info?.features;
    for (const [column, feature] of Object.entries((features ?? {}) as Record<string, Record<string, unknown>>)) {
      const names = feature?._type === "ClassLabel" ? feature.names : undefined;
      if (Array.isArray(names) && names.every((name) => typeof name === "string")) classes.set(column, names);
    }
  } catch {
    // a note of some other tool under the same key
  }
  return classes;
}

/** Memory that the wanted columns of a row group take once decoded, roughly. */
export function groupBytes(group: RowGroup, wanted: ReadonlySet<string>): number {
  let bytes = Number(group.num_rows) * 64;
  for (const { meta_data: column } of group.columns) {
    if (column && wanted.has(column.path_in_schema[0] as string)) bytes += Number(column.total_uncompressed_size);
  }
  return bytes;
}

/** @throws TrainingError for a row group that is too large to be held. */
export function checkGroupSize(path: string, index: number, bytes: number): void {
  if (!(bytes <= LARGEST_GROUP)) {
    throw new TrainingError(
      `${path}: row group ${index} holds ${(bytes / 2 ** 30).toFixed(1)} GiB, which must be read at once; expected at most 1; write the file with smaller row groups, of 100 rows say`,
    );
  }
}

/** The rows of one row group, by column. @throws TrainingError when its pages are damaged. */
export async function readRowGroup(
  { path, metadata }: ParquetFile,
  index: number,
  columns: readonly string[],
): Promise<Record<string, unknown>[]> {
  const { parquetReadObjects } = await import("hyparquet");
  const rowStart = metadata.row_groups.slice(0, index).reduce((sum, group) => sum + Number(group.num_rows), 0);
  const count = Number(metadata.row_groups[index]?.num_rows);
  const rows = await reading(path, async () =>
    parquetReadObjects({
      file: await fileBuffer(path),
      metadata,
      columns: [...columns],
      rowStart,
      rowEnd: rowStart + count,
      compressors,
      utf8: false,
      geoparquet: false,
    }),
  );
  if (rows.length !== count) {
    throw new TrainingError(
      `${path}: row group ${index} holds ${rows.length} of ${count} rows; copy or write it again`,
    );
  }
  return rows;
}

/** Random access to a file that is opened for each read: a list of thousands of shards must not hold their handles. */
async function fileBuffer(
  path: string,
): Promise<{ byteLength: number; slice: (a: number, b?: number) => Promise<ArrayBuffer> }> {
  const handle = await open(path, "r");
  const { size } = await handle.stat().finally(() => handle.close());
  return {
    byteLength: size,
    async slice(start, end = size) {
      const length = Math.min(end, size) - Math.max(0, start);
      if (!(length >= 0)) throw new RangeError(`bytes ${start} to ${end} of ${size}`);
      const file = await open(path, "r");
      try {
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length; ) {
          const { bytesRead } = await file.read(
            bytes,
            done,
            Math.min(2 ** 30, length - done),
            Math.max(0, start) + done,
          );
          if (bytesRead === 0) throw new RangeError(`ended at byte ${start + done}`);
          done += bytesRead;
        }
        return bytes.buffer;
      } finally {
        await file.close();
      }
    },
  };
}

async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof TrainingError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new TrainingError(`${path}: no such file; expected a Parquet file; check the path`);
    throw new TrainingError(
      `${path}: cannot be read as Parquet (${message.replace(/\s+/g, " ")}); copy or write it again`,
      { cause },
    );
  }
}
