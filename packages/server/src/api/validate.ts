/** Checks a value against a schema and says in one line what is wrong with it. */
import type { z } from "zod";
import { RequestError } from "../errors.ts";

/** @throws RequestError `invalid`: the field, and what was expected there. */
export function validate<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue?.path.length ? issue.path.join(".") : "the request";
  throw new RequestError("invalid", `${field}: ${issue?.message ?? "not as expected"}; see /openapi.json`);
}
