/**
 * `metrics.jsonl`: the history of a run, one row a step.
 *
 * ```
 * {"step":1,"loss":10.83,"lr_encoder":0.000001,"codebook_usage":0.12}
 * {"step":100,"split":"validation","loss":7.1}
 * ```
 *
 * A row is JSON that every parser takes: numbers that JSON has no word for are the strings "NaN", "Infinity" and
 * "-Infinity". Each row is handed to the system at once, so a killed process loses at most the row it was writing.
 */
import { closeSync, createReadStream, fstatSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { TrainingError } from "../errors.ts";
import { writeError } from "./files.ts";

/** One row. `split` marks rows of an evaluation; rows of training have none. Undefined values are left out. */
export interface MetricRow {
  readonly step: number;
  readonly split?: string;
  readonly [name: string]: number | string | undefined;
}

const NOT_FINITE = new Map<unknown, number>(
  [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => [String(value), value]),
);
/** Characters written at once while a file is cleaned. */
const CHUNK = 1 << 20;

/** A row as one line, with its line break. */
export function rowToLine(row: MetricRow): string {
  const text = JSON.stringify(row, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
  return `${text}\n`;
}

/** The row of a line; undefined where the line is none. */
export function lineToRow(line: string): MetricRow | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const row = value as Record<string, number | string>;
  if (!Number.isInteger(row.step)) return undefined;
  for (const [name, entry] of Object.entries(row)) row[name] = NOT_FINITE.get(entry) ?? entry;
  return row as unknown as MetricRow;
}

/** The file, open for appending. */
export class MetricsLog {
  readonly path: string;
  readonly #file: number;
  #length: number;
  #closed = false;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
    this.#length = fstatSync(file).size;
  }

  /** Starts a file. @throws TrainingError where there is one already, or none can be written. */
  static create(path: string): MetricsLog {
    try {
      return new MetricsLog(path, openSync(path, "ax"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST")
        throw new TrainingError(
          `${path}: a run is here already; expected a new folder; continue that run with --resume, or give another --out`,
        );
      throw writeError(path, error);
    }
  }

  /**
   * Continues a file after `step`: rows of later steps and a last line that was cut off while it was written are
   * dropped, so that the file is one history without gaps or repetitions.
   * @param onRow is given every row that stays.
   * @throws TrainingError when another line is no row, or nothing can be written.
   */
  static async resume(path: string, step: number, onRow?: (row: MetricRow) => void): Promise<MetricsLog> {
    const temporary = `${path}.tmp`;
    try {
      const kept = await open(temporary, "w");
      try {
        let text = "";
        for await (const row of rowsOf(path)) {
          if (row.step > step) continue;
          onRow?.(row);
          text += rowToLine(row);
          if (text.length < CHUNK) continue;
          await kept.appendFile(text);
          text = "";
        }
        await kept.appendFile(text);
        await kept.sync();
      } finally {
        await kept.close();
      }
      await rename(temporary, path);
      return new MetricsLog(path, openSync(path, "a"));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw writeError(path, error);
    }
  }

  /** Adds a row. @throws TrainingError on a full disk; the file then ends with the row before. */
  append(row: MetricRow): void {
    const bytes = Buffer.from(rowToLine(row));
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
      this.#length += bytes.length;
    } catch (error) {
      ftruncateSync(this.#file, this.#length);
      throw writeError(this.path, error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
  }
}

/** Rows of a file in order; nothing where there is no file. A last line that is no row was cut off and is left out. */
async function* rowsOf(path: string): AsyncGenerator<MetricRow> {
  let number = 0;
  let torn: number | undefined;
  for await (const line of linesOf(path)) {
    number++;
    if (line === "") continue;
    if (torn !== undefined)
      throw new TrainingError(
        `${path}: line ${torn} is no row; expected JSON with a whole number "step"; mend or delete that line`,
      );
    const row = lineToRow(line);
    if (row === undefined) torn = number;
    else yield row;
  }
}

/** Not by `readline`: that also breaks lines at separators which JSON strings may hold. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  try {
    for await (const chunk of createReadStream(path, "utf8") as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  yield rest;
}
