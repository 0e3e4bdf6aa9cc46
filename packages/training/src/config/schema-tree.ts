/** A zod schema as a tree of keys: what messages and documentation are made from. */
import { z } from "zod";

/** A schema without what only fills in or transforms values. */
export function unwrapped(schema: unknown): z.ZodType {
  let inner = schema;
  for (;;) {
    if (inner instanceof z.ZodPipe) inner = inner.in instanceof z.ZodTransform ? inner.out : inner.in;
    else if (
      inner instanceof z.ZodDefault ||
      inner instanceof z.ZodPrefault ||
      inner instanceof z.ZodNullable ||
      inner instanceof z.ZodOptional ||
      inner instanceof z.ZodReadonly
    )
      inner = inner.unwrap();
    else return inner as z.ZodType;
  }
}

/** Schemas by key of a mapping, of the mappings in a list, or of all mappings that may stand here; undefined for anything else. */
export function keysOf(schema: unknown): Readonly<Record<string, z.ZodType>> | undefined {
  const inner = unwrapped(schema);
  if (inner instanceof z.ZodObject) return inner.shape as Record<string, z.ZodType>;
  if (inner instanceof z.ZodArray) return keysOf(inner.element);
  if (inner instanceof z.ZodDiscriminatedUnion) return Object.assign({}, ...inner.options.map(keysOf));
  return undefined;
}

/** The schema below a path of keys and indices. */
export function schemaAt(schema: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (typeof key === "number" ? at : keysOf(at)?.[String(key)]), schema);
}

/** Every key with its dotted path from the top; `[]` stands for the items of a list. */
export function* allKeys(
  schema: unknown,
  prefix = "",
): Generator<{ readonly path: string; readonly schema: z.ZodType }> {
  for (const [key, child] of Object.entries(keysOf(schema) ?? {})) {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    yield { path, schema: child };
    yield* allKeys(child, unwrapped(child) instanceof z.ZodArray ? `${path}[]` : path);
  }
}
