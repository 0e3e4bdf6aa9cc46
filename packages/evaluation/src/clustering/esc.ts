/**
 * ESC-10 and ESC-50 (Piczak, 2015), told by the names of their classes: the benchmarks that published figures of token
 * clustering were measured on.
 */

const ESC_10 = [
  ["dog", "dog bark"],
  ["rain"],
  ["sea waves"],
  ["crying baby", "baby cry"],
  ["clock tick"],
  ["sneezing", "person sneeze"],
  ["helicopter"],
  ["chainsaw"],
  ["rooster"],
  ["crackling fire", "fire crackling"],
] as const;
const KNOWN_10: ReadonlyMap<string, number> = new Map(
  ESC_10.flatMap((names, i) => names.map((name) => [name, i] as const)),
);

/** `001 - Dog bark`, `dog_bark` → `dog bark`. */
const plainName = (label: string): string =>
  label
    .toLowerCase()
    .replace(/^\d+\s*-\s*/, "")
    .replaceAll("_", " ")
    .trim();

/** Which benchmark the classes are those of. */
export function escBenchmark(labels: Iterable<string>): "ESC-10" | "ESC-50" | undefined {
  const classes = new Set([...labels].map(plainName));
  const ten = new Set([...classes].map((name) => KNOWN_10.get(name)).filter((i) => i !== undefined));
  if (ten.size !== ESC_10.length) return undefined;
  if (classes.size === ESC_10.length) return "ESC-10";
  return classes.size === 50 ? "ESC-50" : undefined;
}

/** Whether the class is one of the ten. */
export const isEsc10 = (label: string): boolean => KNOWN_10.has(plainName(label));
