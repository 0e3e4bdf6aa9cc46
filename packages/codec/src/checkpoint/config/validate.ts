import type { z } from "zod";
import { CheckpointError, shown } from "../errors.ts";
import { HyperObject } from "../hyperpyyaml.ts";

/**
 * Checks a parsed file against a schema.
 * @param file named in the message, e.g. `tokenizer/config.json`.
 * @returns the value with defaults filled in.
 * @throws CheckpointError `FILE: FIELD is VALUE; expected …` for the first field that does not fit.
 */
export function validated<T extends z.ZodType>(schema: T, value: unknown, file: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new CheckpointError(complaint(result.error.issues[0]!, value, file));
}

/**
 * What a user is told of a field that does not fit: `FILE: FIELD is VALUE; expected …`.
 * @param value the whole that was checked.
 */
export function complaint(issue: z.core.$ZodIssue, value: unknown, file: string): string {
  let given: unknown = value;
  for (const key of issue.path) {
    let node = given instanceof HyperObject ? given.kwargs : given;
    // omegaconf's DictConfig wraps a mapping in `content`
    if (given instanceof HyperObject && given.className === "DictConfig")
      node = given.kwargs.content ?? given.args[0] ?? node;
    given = (node as Record<PropertyKey, unknown> | undefined | null)?.[key];
  }
  const field = issue.path.length ? fieldName(issue.path) : "the file";
  const expected = issue.message
    .replace(/^(Invalid input|Invalid option|Too (small|big)): /, "")
    .replace(/, received .*$/, "");
  return given === undefined && issue.path.length
    ? `${file}: ${field} is missing; ${withExpected(expected)}`
    : `${file}: ${field} is ${shown(given)}; ${withExpected(expected)}`;
}

/** `a.b[0].c` */
export function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, key) => (typeof key === "number" ? `${name}[${key}]` : name ? `${name}.${String(key)}` : String(key)),
    "",
  );
}

function withExpected(text: string): string {
  return text.startsWith("expected") ? text : `expected ${text}`;
}
