import { complaint, fieldName } from "universal-audio-tokenizer/internal";
import type { z } from "zod";
import { TrainingError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { allKeys, keysOf, schemaAt } from "./schema-tree.ts";

/**
 * Checks a parsed configuration against a schema of mappings whose keys are all known.
 * @returns the value with defaults filled in.
 * @throws TrainingError with file, field, value and what was expected, for unknown keys with the nearest known one.
 */
export function checked<T extends z.ZodType>(schema: T, value: unknown, file: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const unknown = issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown) throw unknownKey(schema, unknown.path, unknown.keys[0]!, file);
  throw new TrainingError(complaint(issues[0]!, value, file));
}

/** The error for a key that a mapping of the schema does not have. */
export function unknownKey(
  schema: unknown,
  path: readonly PropertyKey[],
  key: string,
  file: string,
  known: readonly string[] = Object.keys(keysOf(schemaAt(schema, path)) ?? {}),
): TrainingError {
  const given = fieldName([...path, key.slice(0, 60)]).replace(/\p{Cc}/gu, " ");
  const close = nearest(key, known);
  if (close !== undefined)
    return new TrainingError(`${file}: ${given} is not a known key; did you mean ${fieldName([...path, close])}?`);
  const elsewhere = [...allKeys(schema)].find((entry) => entry.path.endsWith(`.${key}`) || entry.path === key);
  const all = known.length > 30 ? "docs/training.md lists those known" : `known here are ${known.join(", ")}`;
  const hint = elsewhere ? `it is known as ${elsewhere.path}` : all;
  return new TrainingError(`${file}: ${given} is not a known key; ${hint}`);
}
