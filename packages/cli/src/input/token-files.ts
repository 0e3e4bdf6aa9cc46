/**
 * Codes from a file or standard input: a JSON array, rows as `uat tokenize` prints them (json or jsonl), numbers
 * separated by blanks (txt), or npy. What a decoder must not be given is refused here with its place.
 */
import { readFile } from "node:fs/promises";
import type { ByteSource } from "@uat/audio";
import { InputError, systemError } from "../errors.ts";
import { checkFile } from "./audio-files.ts";
import { readStandardInput } from "./standard-input.ts";

/** One list of codes. */
export interface TokenRow {
  /** For messages and file names. */
  readonly name: string;
  /** The audio file that the row says it came from. */
  readonly path?: string | undefined;
  readonly codes: readonly number[];
  readonly frameRate?: number | undefined;
}

/**
 * @param read the content of standard input where it was read already.
 * @throws InputError for what holds no codes. The codes themselves are checked by {@link checkCodes}.
 */
export async function readTokens(path: string, read?: ByteSource): Promise<TokenRow[]> {
  const name = path === "-" ? "standard input" : path;
  const bytes = read
    ? await read.read(0, read.size)
    : path === "-"
      ? await readStandardInput("codes")
      : await readFileOf(path);
  if (bytes.length === 0) throw new InputError(`${name}: is empty; expected codes as JSON, jsonl, txt or npy`);
  if (bytes[0] === 0x93) return npyRows(bytes, name);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(`${name}: is neither text nor npy; expected codes as JSON, jsonl, txt or npy`);
  }
  const rows = textRows(text, name);
  if (rows.length === 0) throw new InputError(`${name}: holds no codes; expected JSON, jsonl, txt or npy`);
  return rows;
}

/**
 * The codes of a row for a decoder of `codebookSize` codes at `frameRate` a second.
 * @throws InputError naming the first code that is no whole number from 0 to codebookSize - 1.
 */
export function checkCodes(row: TokenRow, codebookSize: number, frameRate: number): Int32Array {
  if (row.codes.length === 0)
    throw new InputError(`${row.name}: the list of codes is empty; there is nothing to decode`);
  for (const [i, code] of row.codes.entries()) {
    if (typeof code === "number" && Number.isInteger(code) && code >= 0 && code < codebookSize) continue;
    throw new InputError(
      `${row.name}: code ${i} is ${shown(code)}; expected whole numbers from 0 to ${codebookSize - 1}`,
    );
  }
  if (row.frameRate !== undefined && row.frameRate !== frameRate)
    throw new InputError(
      `${row.name}: has ${shown(row.frameRate)} codes a second, this decoder ${frameRate}; give the --model that made them`,
    );
  return Int32Array.from(row.codes);
}

async function readFileOf(path: string): Promise<Uint8Array> {
  await checkFile(path);
  try {
    return await readFile(path);
  } catch (error) {
    throw systemError(path, "read", error);
  }
}

function textRows(text: string, name: string): TokenRow[] {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  if (trimmed.startsWith("[") || trimmed.startsWith("{")) {
    const whole = parseJson(trimmed);
    if (whole.ok) return jsonRows(whole.value, name);
    const lines = trimmed.split("\n").filter((line) => line.trim() !== "");
    // one broken line is a broken json file, several are jsonl
    if (lines.length === 1 || !parseJson(lines[0]!).ok)
      throw new InputError(`${name}: is not valid JSON (${whole.why})`);
    return lines.flatMap((line, i) => {
      const parsed = parseJson(line);
      if (!parsed.ok) throw new InputError(`${name}: line ${i + 1} is not valid JSON (${parsed.why})`);
      return jsonRows(parsed.value, `${name} line ${i + 1}`);
    });
  }
  const lines = trimmed.split("\n").filter((line) => line.trim() !== "");
  return lines.map((line, i) => {
    const rowName = lines.length === 1 ? name : `${name} line ${i + 1}`;
    const codes = line
      .trim()
      .split(/[\s,]+/)
      .map((word) => {
        // Number() would take 0x10 and 1e3, which nothing here writes
        if (/^[+-]?\d+(\.\d+)?$/.test(word)) return Number(word);
        throw new InputError(`${rowName}: ${shown(word)} is not a number; expected codes as JSON, jsonl, txt or npy`);
      });
    return { name: rowName, codes };
  });
}

/** Lists and objects in each other that rows may stand in: no file that holds codes has so many. */
const DEEPEST = 8;

/** A list of codes, a row, a list of rows, or lists in lists as [batch, 1, T] has them. */
function jsonRows(value: unknown, name: string, depth = 0): TokenRow[] {
  if (depth > DEEPEST)
    throw new InputError(`${name}: nests lists too deeply; expected a list of codes, or rows of them`);
  if (Array.isArray(value)) {
    if (!value.some((v) => typeof v === "object" && v !== null)) return [{ name, codes: value as number[] }];
    return value.flatMap((v, i) => jsonRows(v, value.length === 1 ? name : `${name} row ${i + 1}`, depth + 1));
  }
  if (typeof value === "object" && value !== null && "codes" in value) {
    const { codes, path, frameRate } = value as Record<string, unknown>;
    if (!Array.isArray(codes)) throw new InputError(`${name}: "codes" is ${shown(codes)}; expected a list of numbers`);
    const inner = codes.some((v) => Array.isArray(v))
      ? jsonRows(codes, name, depth + 1)
      : [{ name, codes: codes as number[] }];
    return inner.map((row) => ({
      ...row,
      ...(typeof path === "string" ? { path } : {}),
      ...(typeof frameRate === "number" ? { frameRate } : {}),
    }));
  }
  throw new InputError(`${name}: is ${shown(value)}; expected a list of codes or an object with "codes"`);
}

async function npyRows(bytes: Uint8Array, name: string): Promise<TokenRow[]> {
  const { npyNumbers, readNpy } = await import("universal-audio-tokenizer/internal");
  const array = readNpy(bytes, name);
  const numbers = Array.from(npyNumbers(array, name));
  const { shape } = array;
  const length = shape.at(-1) ?? 0;
  if (shape.length === 0 || (shape.length === 3 && shape[1] !== 1) || shape.length > 3)
    throw new InputError(`${name}: has shape [${shape}]; expected [T], [B, T] or [B, 1, T]`);
  if (shape.length === 1) return [{ name, codes: numbers }];
  const rows = shape[0]!;
  return Array.from({ length: rows }, (_, i) => {
    const codes = numbers.slice(i * length, (i + 1) * length);
    // shorter clips of a batch end with -1
    while (rows > 1 && codes.at(-1) === -1) codes.pop();
    return { name: rows === 1 ? name : `${name} row ${i + 1}`, codes };
  });
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

function parseJson(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, why: (error as Error).message };
  }
}

const shown = (value: unknown): string => {
  let text: string;
  try {
    text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    // nested too deeply to be written out
    text = "…";
  }
  return text.length > 40 ? `${text.slice(0, 39)}…` : text;
};
