/** Lists of questions and of predictions from disk. */
import { readFile, stat } from "node:fs/promises";
import { EvaluationError } from "../../errors.ts";

const LARGEST = 512 << 20;

/** Text of a list. @throws EvaluationError when it cannot be read or is no text. */
export async function readListText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST)
      throw new EvaluationError(`${path}: holds ${size >> 20} MiB; expected a list of at most ${LARGEST >> 20}`);
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (cause) {
    if (cause instanceof EvaluationError) throw cause;
    if (cause instanceof TypeError) throw new EvaluationError(`${path}: is no UTF-8 text; expected JSON or JSON lines`);
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason =
      code === "ENOENT" ? "no such file" : code === "EISDIR" ? "is a directory" : `cannot be read (${message})`;
    throw new EvaluationError(`${path}: ${reason}; expected a list; check the path`, { cause });
  }
}

/**
 * Rows of a JSON list, of JSON lines, or of a JSON object's one field that is a list.
 * @throws EvaluationError naming file and line.
 */
export async function readRows(path: string): Promise<unknown[]> {
  return parseRows(await readListText(path), path);
}

/** @param name for messages. */
export function parseRows(text: string, name: string): unknown[] {
  const content = text.replace(/^\uFEFF/, "").trim();
  if (content === "") throw new EvaluationError(`${name}: is empty; expected a JSON list or JSON lines`);
  const whole = parseJson(content);
  if (Array.isArray(whole)) return whole;
  if (whole !== undefined) {
    const tables = Object.values(whole ?? {}).filter(isTable);
    return tables.length === 1 ? (tables[0] as unknown[]) : [whole];
  }
  const lines = content.split(/\r?\n/).flatMap((line, i) => (line.trim() === "" ? [] : [{ line, number: i + 1 }]));
  return lines.map(({ line, number }) => {
    const row = parseJson(line);
    if (row === undefined) throw new EvaluationError(`${name}:${number}: is not valid JSON; expected one row a line`);
    return row;
  });
}

/** A list of rows; a question's choices are one of texts. */
const isTable = (value: unknown): boolean =>
  Array.isArray(value) && value.length > 0 && value.every((row) => typeof row === "object" && row !== null);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Fields that name a clip, and those that hold a prediction, in the rows of a file of predictions. */
const CLIP = ["name", "clip", "path", "file_name", "audio", "id"];
const PREDICTION = ["prediction", "sap", "answer", "response", "text"];

/**
 * Predictions by clip, from JSON lines or a JSON list whose rows name a clip (`name`, `clip`, `path`, …) and hold what
 * was predicted (`prediction`, `sap`, `answer`, …): text, or the JSON itself.
 * @throws EvaluationError naming file and row.
 */
export async function readPredictions(path: string): Promise<Map<string, unknown>> {
  const predictions = new Map<string, unknown>();
  for (const [i, row] of (await readRows(path)).entries()) {
    const fields = (typeof row === "object" && row !== null ? row : {}) as Readonly<Record<string, unknown>>;
    const clip = CLIP.map((name) => fields[name]).find((value) => typeof value === "string");
    const found = PREDICTION.find((name) => name in fields);
    if (clip === undefined || found === undefined)
      throw new EvaluationError(
        `${path}: row ${i + 1} has no ${clip === undefined ? "clip" : "prediction"}; expected ${(clip === undefined ? CLIP : PREDICTION).join(", ")}`,
      );
    predictions.set(clip, fields[found]);
  }
  return predictions;
}
