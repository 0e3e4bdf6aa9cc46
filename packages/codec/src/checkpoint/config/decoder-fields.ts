/** What fields of decoder/config.yaml hold: numbers in YAML's ways of writing them, and objects of known classes. */
import { z } from "zod";
import { CheckpointError, shown } from "../errors.ts";
import { HyperObject } from "../hyperpyyaml.ts";

/** `1e-06` has no dot: YAML 1.1 reads it as text, Python's users mean a number. */
export const toNumber = (value: unknown): unknown =>
  typeof value === "string" && /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(value) ? Number(value) : value;
export const number = z.preprocess(toNumber, z.number("expected a number"));
export const size = z.preprocess(
  toNumber,
  z.int("expected a whole number above 0").positive("expected a whole number above 0"),
);
export const oddSize = size.refine((value) => value % 2, "expected an odd number");
export const count = z.preprocess(
  toNumber,
  z.int("expected a whole number of at least 0").nonnegative("expected a whole number of at least 0"),
);
export const positive = z.preprocess(
  toNumber,
  z.number("expected a number above 0").positive("expected a number above 0"),
);
/** Fewer a second would make more mel frames of one token than anything can hold. */
export const tokenRate = z.preprocess(
  toNumber,
  z.number("expected a number of at least 1").min(1, "expected a number of at least 1"),
);
export const rate = z.preprocess(
  toNumber,
  z.number("expected a rate from 0 to 1").min(0, "expected a rate from 0 to 1").max(1, "expected a rate from 0 to 1"),
);
export const sizes = z
  .array(size, "expected a list of whole numbers above 0")
  .min(1, "expected a list of whole numbers above 0");
export const only = <const T extends string | number | boolean>(value: T) =>
  z.preprocess(
    typeof value === "number" ? toNumber : (v) => v,
    z.literal(value, `expected ${JSON.stringify(value)}; nothing else is supported`),
  );

/** An object of one of these classes, as `{ class, …arguments }`. */
export function instance<const C extends string, S extends z.ZodRawShape>(classes: readonly [C, ...C[]], shape: S) {
  const expected = `expected !new: of ${classes.join(" or ")}`;
  return z.preprocess(
    (value) => {
      if (!(value instanceof HyperObject) || value.kind !== "new") return value;
      return { ...value.kwargs, class: value.className };
    },
    z.looseObject({ class: z.enum(classes, expected), ...shape }, expected),
  );
}

/** Refuses a field that contradicts another. */
export const refuser =
  (file: string) =>
  (field: string, value: unknown, expected: string): never => {
    throw new CheckpointError(`${file}: ${field} is ${shown(value)}; expected ${expected}`);
  };
