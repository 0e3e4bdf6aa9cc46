/** From a row of a list, whatever its format, to an {@link Example}. */
import { isAbsolute, join } from "node:path";
import { TrainingError } from "../errors.ts";
import { TASKS, type Task } from "../tasks/tasks.ts";
import type { ClipAudio, Example } from "./example.ts";

/** The columns that have a meaning here. */
export type ColumnRole = "audio" | "text" | "task" | "tags" | "speaker" | "language" | "start" | "duration";

/** Names of columns by what they hold. One that is named must exist; the others are looked for by their usual names. */
export type ColumnNames = Readonly<Partial<Record<ColumnRole, string>>>;

/** What sources of every format can be told. */
export interface SourceOptions {
  readonly columns?: ColumnNames | undefined;
  /** Columns without which the rows are of no use, e.g. `["text"]` for transcription. */
  readonly required?: readonly ColumnRole[] | undefined;
  /** Task of rows that name none. */
  readonly task?: Task | undefined;
  /** Language of rows that name none. */
  readonly language?: string | undefined;
  /** Folder that relative audio paths start from: the list's own by default. */
  readonly audioFolder?: string | undefined;
  /** Labels hold times within the clip: its speed is never changed. */
  readonly timed?: boolean | undefined;
}

const USUAL_NAMES: Readonly<Record<ColumnRole, readonly string[]>> = {
  audio: ["audio", "audio_filepath", "audio_path", "path", "file", "file_name", "wav", "filename"],
  text: ["text", "transcription", "transcript", "sentence", "caption"],
  task: ["task"],
  tags: ["tags", "label", "labels", "category"],
  speaker: ["speaker", "speaker_id", "client_id"],
  language: ["language", "lang", "locale"],
  start: ["start", "offset"],
  duration: ["duration"],
};

export type RowColumns = Readonly<Partial<Record<ColumnRole, string>>>;

/**
 * Which of a list's columns holds what.
 * @throws TrainingError naming list, column and the columns there are, when one that was named or is required is missing.
 */
export function resolveColumns(list: string, present: readonly string[], options: SourceOptions): RowColumns {
  const found: Partial<Record<ColumnRole, string>> = {};
  const named = options.columns ?? {};
  const required = new Set<ColumnRole>(["audio", ...(options.required ?? [])]);
  for (const role of Object.keys(USUAL_NAMES) as ColumnRole[]) {
    const name = named[role];
    if (name !== undefined) {
      if (!present.includes(name)) {
        throw new TrainingError(
          `${list}: has no column "${name}"; its columns are ${listed(present)}; name one of these`,
        );
      }
      found[role] = name;
      continue;
    }
    const usual = USUAL_NAMES[role].find((name) => present.includes(name));
    if (usual !== undefined) found[role] = usual;
    else if (required.has(role)) {
      throw new TrainingError(
        `${list}: has no ${role} column (${USUAL_NAMES[role].slice(0, 3).join(", ")}, …); its columns are ${listed(present)}; name the one that holds it in columns.${role}`,
      );
    }
  }
  return found;
}

const listed = (names: readonly string[]): string =>
  names.length === 0 ? "none" : names.slice(0, 20).join(", ") + (names.length > 20 ? ", …" : "");

/** Where a row stands, and what its list was told. */
export interface RowContext {
  readonly id: string;
  /** Folder of the list. */
  readonly folder: string;
  readonly columns: RowColumns;
  readonly options: SourceOptions;
}

/** @throws TrainingError naming the row and the column whose value has the wrong type. */
export function exampleFromRow(row: Readonly<Record<string, unknown>>, context: RowContext): Example {
  const { id, columns, options } = context;
  const value = (role: ColumnRole): unknown => {
    const name = columns[role];
    const given = name === undefined ? undefined : row[name];
    return given === null || given === "" ? undefined : given;
  };
  const wrong = (role: ColumnRole, expected: string): TrainingError =>
    new TrainingError(`${id}: column "${columns[role]}" is ${describe(value(role))}; expected ${expected}`);
  const text = (role: ColumnRole): string | undefined => {
    const given = value(role);
    if (given === undefined || typeof given === "string") return given;
    // speakers and classes are often numbers
    if (role !== "text" && (typeof given === "number" || typeof given === "bigint")) return String(given);
    throw wrong(role, "text");
  };
  const seconds = (role: "start" | "duration"): number | undefined => {
    const given = value(role);
    if (given === undefined) return undefined;
    const number = typeof given === "string" ? Number(given) : given;
    if (typeof number === "number" && Number.isFinite(number) && number >= 0) return number;
    // a column found by its usual name may hold something else; one that was named may not
    if (options.columns?.[role] === undefined) return undefined;
    throw wrong(role, "seconds, a number from 0");
  };
  const tags = (): readonly string[] | undefined => {
    const given = value("tags");
    if (given === undefined) return undefined;
    if (Array.isArray(given) && given.every((tag) => typeof tag === "string")) return given;
    if (typeof given === "string" || typeof given === "number" || typeof given === "bigint") return [String(given)];
    if (options.columns?.tags === undefined) return undefined;
    throw wrong("tags", "text or a list of texts");
  };
  const task = text("task") ?? options.task;
  if (task !== undefined && !(TASKS as readonly string[]).includes(task)) throw wrong("task", TASKS.join(", "));
  const used = new Set(Object.values(columns));
  return compact({
    id,
    audio: clipAudio(value("audio"), context),
    text: text("text"),
    task: task as Task | undefined,
    tags: tags(),
    speaker: text("speaker"),
    language: text("language") ?? options.language,
    start: seconds("start"),
    duration: seconds("duration"),
    timed: options.timed,
    labels: Object.fromEntries(Object.entries(row).filter(([name]) => !used.has(name))),
  });
}

/** A path, or Hugging Face's `{ bytes, path }`. A row without either is a clip that cannot be read, and counted as such. */
function clipAudio(value: unknown, { id, folder, columns, options }: RowContext): ClipAudio {
  const locate = (path: string) => (isAbsolute(path) ? path : join(options.audioFolder ?? folder, path));
  if (typeof value === "string") return { path: locate(value) };
  if (value === undefined) return { bytes: new Uint8Array(0), name: id };
  if (value instanceof Uint8Array) return { bytes: value, name: id };
  if (typeof value === "object") {
    const { bytes, path } = value as { bytes?: unknown; path?: unknown };
    if (bytes instanceof Uint8Array) return { bytes, name: id };
    if (typeof path === "string" && path !== "") return { path: locate(path) };
    if (bytes === null || bytes === undefined) return { bytes: new Uint8Array(0), name: id };
  }
  throw new TrainingError(
    `${id}: column "${columns.audio}" is ${describe(value)}; expected a path, a file's bytes or { bytes, path }`,
  );
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return "empty";
  if (Array.isArray(value)) return "a list";
  if (value instanceof Uint8Array) return "bytes";
  if (typeof value === "object") return `an object with ${Object.keys(value).slice(0, 5).join(", ") || "nothing"}`;
  if (typeof value === "string") return `"${value.replace(/\p{Cc}/gu, " ").slice(0, 40)}"`;
  return `the ${typeof value} ${String(value)}`;
}

/** Without the properties that are undefined. */
function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
}
