/**
 * The lists of SEED-TTS's test set (arXiv 2406.02430; `meta.lst`): one line a sentence,
 * `id|prompt text|prompt wav|target text`, the prompt's path being relative to the list; a fifth field, the recording of
 * the target, is not used.
 */
import { EvaluationError } from "../errors.ts";

export interface TtsLine {
  readonly id: string;
  readonly promptText: string;
  /** Path of the prompt as the list gives it. */
  readonly prompt: string;
  readonly target: string;
}

/** @param name of the list, for messages. @throws EvaluationError naming list and line. */
export function parseTtsList(text: string, name: string): TtsLine[] {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const seen = new Set<string>();
  const result = lines.flatMap((line, i): TtsLine[] => {
    if (line.trim() === "") return [];
    const fields = line.split("|").map((field) => field.trim());
    const [id, promptText, prompt, target] = fields;
    const wrong = (what: string) =>
      new EvaluationError(`${name}:${i + 1}: ${what}; expected id|prompt text|prompt wav|target text`);
    if (fields.length < 4 || fields.length > 5) throw wrong(`has ${fields.length} fields`);
    if (!id || !prompt || !target) throw wrong("an empty field");
    if (seen.has(id)) throw wrong(`${id} is there twice`);
    seen.add(id);
    return [{ id, promptText: promptText ?? "", prompt, target }];
  });
  if (result.length === 0)
    throw new EvaluationError(`${name}: holds no lines; expected id|prompt text|prompt wav|target text`);
  return result;
}
