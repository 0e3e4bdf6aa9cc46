/** Kinds of values in a run's configuration, with what a message says was expected. */
import { z } from "zod";

const AT_LEAST_0 = "expected a whole number of at least 0";
const ABOVE_0 = "expected a whole number above 0";

export const size = z.int(ABOVE_0).positive(ABOVE_0);
export const count = z.int(AT_LEAST_0).nonnegative(AT_LEAST_0);
export const number = z.number("expected a number");
export const positive = z.number("expected a number above 0").positive("expected a number above 0");
export const amount = z.number("expected a number of at least 0").nonnegative("expected a number of at least 0");
export const share = z
  .number("expected a number from 0 to 1")
  .min(0, "expected a number from 0 to 1")
  .max(1, "expected a number from 0 to 1");
export const flag = z.boolean("expected true or false");
export const text = z.string("expected text").min(1, "expected text that is not empty");
export const texts = z.array(text, "expected a list of texts");
export const sizes = z.array(size, "expected a list of whole numbers above 0").min(1, "expected at least one number");

export const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, `expected ${listed(values.map((v) => JSON.stringify(v)))}`);

/** A lower and an upper bound. */
export const range = (of: z.ZodNumber) =>
  z
    .tuple([of, of], "expected two numbers, the lower first")
    .refine(([low, high]) => low <= high, "expected two numbers, the lower first");

/** A mapping in which every key is known. */
export const block = <S extends z.ZodRawShape>(shape: S) => z.strictObject(shape, "expected a mapping");

/** A block that is filled with its defaults where it is left out. */
export const filled = <S extends z.ZodRawShape>(shape: S) => block(shape).prefault({} as never);

/** `a, b or c` */
export function listed(items: readonly string[]): string {
  return items.length < 2 ? items.join() : `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
}
