/** The clips that `uat eval` is given: files, folders of class folders, ESC-50's layout, lists and Parquet. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { ClipFacts, EvaluationClip } from "@uat/evaluation";
import { type ClipSource, sha256OfFile } from "@uat/evaluation/node";
import {
  type ColumnNames,
  decodeClip,
  type Example,
  type ExampleSource,
  openFolderSource,
  openManifestSource,
  openParquetSource,
  Random,
} from "@uat/training";
import { InputError } from "../errors.ts";
import { checkFile } from "../input/audio-files.ts";

export interface ClipOptions {
  /** Names of columns, where a list calls them otherwise. */
  readonly columns: ColumnNames;
  /** Only rows with these values. */
  readonly where: readonly (readonly [column: string, value: string])[];
  /** No more clips than these, drawn by the seed. */
  readonly limit?: number | undefined;
  readonly seed: number;
  readonly onProgress: (label: string, done: number, total: number) => void;
  readonly signal: AbortSignal;
}

/** Class columns by other names than the usual ones. */
const CLASS_COLUMNS = ["target", "class", "class_name"];

/** The clips of all inputs. Lists stay open until `close`. */
export class InputClips implements ClipSource {
  readonly #inputs: readonly string[];
  readonly #options: ClipOptions;
  readonly #opened: ExampleSource[] = [];
  #clips: Promise<readonly EvaluationClip[]> | undefined;

  constructor(inputs: readonly string[], options: ClipOptions) {
    this.#inputs = inputs;
    this.#options = options;
  }

  clips(): Promise<readonly EvaluationClip[]> {
    this.#clips ??= this.#read();
    return this.#clips;
  }

  async open(path: string, facts: ClipFacts = {}): Promise<EvaluationClip> {
    await checkFile(path);
    const { name = basename(path), columns = {}, ...known } = facts;
    const example: Example = { id: path, audio: { path }, labels: {} };
    return { ...known, name, columns, hash: await hashOf(example), read: (rate) => readExample(example, rate) };
  }

  async close(): Promise<void> {
    for (const source of this.#opened) await source.close();
  }

  async #read(): Promise<readonly EvaluationClip[]> {
    const { limit, seed, where, onProgress, signal } = this.#options;
    const found: { source: ExampleSource; index: number; name: string; example: Example }[] = [];
    for (const input of this.#inputs) {
      const source = await openInput(input, this.#options.columns);
      this.#opened.push(source);
      for (let index = 0; index < source.length; index++) {
        signal.throwIfAborted();
        if (index % 50 === 0) onProgress(`looking at ${input}`, index, source.length);
        const example = await source.example(index);
        const columns = columnsOf(example);
        if (!where.every(([column, value]) => String(columns[column]).toLowerCase() === value.toLowerCase())) continue;
        const name = nameOf(example, input, this.#inputs.length > 1);
        // the bytes of a Parquet row are read again when it is its turn: all of them may not fit into memory
        found.push({ source, index, name, example: "path" in example.audio ? example : { ...example, audio: EMPTY } });
      }
    }
    if (found.length === 0) throw new InputError(nothingFound(this.#inputs, where));
    const chosen =
      limit !== undefined && limit < found.length
        ? [...new Random(seed).sample(found.length, limit)].sort((a, b) => a - b).map((i) => found[i]!)
        : found;
    const clips: EvaluationClip[] = [];
    for (const [i, { source, index, name, example }] of chosen.entries()) {
      signal.throwIfAborted();
      onProgress("hashing the clips", i, chosen.length);
      const whole = () => ("path" in example.audio ? Promise.resolve(example) : source.example(index));
      clips.push({
        name,
        hash: await hashOf(await whole()),
        label: labelOf(example),
        text: example.text,
        speaker: example.speaker,
        language: example.language,
        columns: columnsOf(example),
        read: async (rate) => readExample(await whole(), rate),
      });
    }
    return clips;
  }
}

const EMPTY = { bytes: new Uint8Array(0), name: "" };

function nothingFound(inputs: readonly string[], where: ClipOptions["where"]): string {
  const asked = where.map(([column, value]) => `${column}=${value}`).join(" ");
  return `${inputs.join(", ")}: no clip ${asked ? `has ${asked}; check the column's values` : "is there"}`;
}

/** Mono samples of the first channel. */
async function readExample(example: Example, sampleRate: number) {
  const samples = await decodeClip(example, { sampleRate, channel: 0 });
  return { samples, seconds: samples.length / sampleRate };
}

/** A list, or what is in a folder, by its layout. */
async function openInput(input: string, columns: ColumnNames): Promise<ExampleSource> {
  if (/^https?:\/\//.test(input))
    throw new InputError(`${input}: is a URL; expected files or folders; download it first`);
  const stats = await stat(input).catch(() => undefined);
  if (!stats?.isDirectory()) {
    await checkFile(input);
    if (/\.parquet$/i.test(input)) return openParquetSource([input], { columns });
    if (/\.(jsonl|csv|tsv)$/i.test(input)) return openManifestSource(input, { columns });
    return singleFile(input);
  }
  const esc = join(input, "meta", "esc50.csv");
  if (existsSync(esc)) {
    const named = { audio: "filename", tags: "category", ...columns };
    return openManifestSource(esc, { columns: named, audioFolder: join(input, "audio") });
  }
  const shards = (await readdir(input, { recursive: true })).filter((name) => /\.parquet$/i.test(name)).sort();
  if (shards.length > 0)
    return openParquetSource(
      shards.map((name) => join(input, name)),
      { columns },
    );
  // a list beside the clips may call its audio by any usual name, not only AudioFolder's file_name
  const lists = (await readdir(input)).filter((name) => /^metadata\.(csv|tsv|jsonl)$/.test(name));
  if (lists.length === 1) return openManifestSource(join(input, lists[0]!), { columns });
  return openFolderSource(input, { columns });
}

const singleFile = (path: string): ExampleSource => ({
  name: path,
  length: 1,
  example: async () => ({ id: path, audio: { path }, labels: {} }),
  close: async () => undefined,
});

/** Below the input, with forward slashes, so that it is the same on every machine. */
function nameOf(example: Example, input: string, several: boolean): string {
  const path = "path" in example.audio ? example.audio.path : example.id;
  const span = example.start === undefined ? "" : `@${example.start}`;
  const below = relative(resolve(input), resolve(path));
  const local = below === "" || below.startsWith("..") ? relative(dirname(resolve(input)), resolve(path)) : below;
  const name = `${local.split(sep).join("/")}${span}`;
  return several && below !== "" ? `${basename(resolve(input))}/${name}` : name;
}

function labelOf(example: Example): string | undefined {
  if (example.tags !== undefined) return example.tags.length === 1 ? example.tags[0] : undefined;
  for (const name of CLASS_COLUMNS) {
    const value = example.labels[name];
    if (typeof value === "string" || typeof value === "number") return String(value);
  }
  return undefined;
}

/** All columns by name, those with a meaning of their own included. */
const columnsOf = (example: Example): Record<string, unknown> => ({
  ...example.labels,
  ...Object.fromEntries(
    Object.entries({
      label: labelOf(example),
      text: example.text,
      speaker: example.speaker,
      language: example.language,
    }).filter(([, value]) => value !== undefined),
  ),
});

/** Of the file's bytes and the span that is heard. A file that cannot be read gets a hash of its name: it fails later. */
async function hashOf({ id, audio, start, duration }: Example): Promise<string> {
  const digest = createHash("sha256");
  let bytes: string;
  if ("path" in audio) bytes = await sha256OfFile(audio.path).catch(() => `unreadable ${id}`);
  else bytes = createHash("sha256").update(audio.bytes).digest("hex");
  if (start === undefined && duration === undefined && /^[0-9a-f]{64}$/.test(bytes)) return bytes;
  return digest.update(`${bytes} ${start ?? 0} ${duration ?? ""}`).digest("hex");
}
