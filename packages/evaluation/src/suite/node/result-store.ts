/**
 * `results.jsonl`: what has been measured, one line a result, written as soon as it is there. A run that was stopped or
 * killed goes on where it was; a last line that was cut in the middle is taken away.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { EvaluationError } from "../../errors.ts";
import type { Json } from "../evaluation.ts";
import { writeError } from "./files.ts";

interface Line {
  /** SHA-256 of everything that decides the result. */
  readonly key: string;
  /** For readers: task, what was measured, of which clip. */
  readonly about: string;
  readonly result: Json;
}

export class ResultStore {
  readonly #path: string;
  readonly #file: FileHandle;
  readonly #results: Map<string, Json>;
  /** Lines in the midst of the file that are not results: damage that is not a killed run's. */
  readonly damaged: number;

  private constructor(path: string, file: FileHandle, results: Map<string, Json>, damaged: number) {
    this.#path = path;
    this.#file = file;
    this.#results = results;
    this.damaged = damaged;
  }

  /** @throws EvaluationError when the file cannot be read or written. */
  static async open(path: string): Promise<ResultStore> {
    let file: FileHandle | undefined;
    try {
      // appending: what another process adds is never overwritten
      file = await open(path, "a+");
      const bytes = await file.readFile();
      const whole = bytes.lastIndexOf(10) + 1;
      if (whole < bytes.length) await file.truncate(whole);
      const { results, damaged } = readLines(bytes.toString("utf8", 0, whole));
      return new ResultStore(path, file, results, damaged);
    } catch (error) {
      await file?.close();
      throw writeError(path, error);
    }
  }

  get size(): number {
    return this.#results.size;
  }

  /** @param parts everything that decides the result. */
  static key(...parts: readonly Json[]): string {
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  }

  get(key: string): Json | undefined {
    return this.#results.get(key);
  }

  /** @throws EvaluationError when it cannot be written, or JSON cannot hold the result. */
  async add(key: string, about: string, result: Json): Promise<void> {
    checkJson(result, about);
    const line: Line = { key, about, result };
    try {
      await this.#file.appendFile(`${JSON.stringify(line)}\n`);
    } catch (error) {
      throw writeError(this.#path, error);
    }
    this.#results.set(key, result);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function readLines(text: string): { results: Map<string, Json>; damaged: number } {
  const results = new Map<string, Json>();
  let damaged = 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    try {
      const { key, result } = JSON.parse(line) as Line;
      if (typeof key !== "string" || result === undefined) throw new Error();
      results.set(key, result);
    } catch {
      damaged++;
    }
  }
  return { results, damaged };
}

/** JSON would turn NaN into null without a word, and the next run would read something else than this one had. */
function checkJson(value: unknown, about: string): void {
  if (typeof value === "number" ? Number.isFinite(value) : ["string", "boolean"].includes(typeof value)) return;
  if (value === null) return;
  if (Array.isArray(value)) for (const item of value) checkJson(item, about);
  else if (typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    for (const item of Object.values(value)) checkJson(item, about);
  else throw new EvaluationError(`${about}: the result holds ${String(value)}, which results.jsonl cannot`);
}
