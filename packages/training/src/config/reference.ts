/** The tables of keys in docs/training.md, made from the schemas so that they cannot tell anything else. */
import { z } from "zod";
import { RUN_SCHEMAS, SYSTEMS, type System } from "./run-config.ts";
import { allKeys, unwrapped } from "./schema-tree.ts";
import { UPSTREAM_IGNORED, UPSTREAM_SETTINGS } from "./upstream.ts";

/** One key: its dotted path, the kind of its values, its default and its meaning, as Markdown. */
export interface KeyRow {
  readonly path: string;
  readonly kind: string;
  readonly fallback: string;
  readonly meaning: string;
}

/** Meanings that stand as comments beside the changes themselves. */
const AUGMENTATIONS: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    speed: "resampling: faster is higher",
    "speed.factor": "times as fast, from and to (0.5 … 2)",
    reverberation: "a room",
    "reverberation.seconds": "time of decay by 60 dB, from and to (0.05 … 3)",
    "reverberation.ratio": "direct to reverberant energy in dB, from and to (-20 … 40)",
    noise: "noise of one of the colours or of a clip, drawn evenly",
    "noise.ratio": "signal-to-noise ratio in dB, from and to (-20 … 80)",
    "noise.colours": "made noise",
    "noise.clips": "paths of recordings",
    channel: "a line: 4 kHz with µ-law, 2 to 5.5 kHz, or 8 bits",
    "channel.kinds": "those drawn from",
    gain: "another level, never beyond full scale",
    "gain.decibels": "dB, from and to (-60 … 30)",
    ...Object.fromEntries(
      ["speed", "reverberation", "noise", "channel", "gain"].map((kind) => [`${kind}.probability`, "share of clips"]),
    ),
  }).map(([key, meaning]) => [`data.augment.${key}`, meaning]),
);

/** Keys with the meaning of those of `data.augment`. */
const COPY_CHANGES = "objectives.agreement.changes.";

export function keyRows(system: System): KeyRow[] {
  return Array.from(allKeys(RUN_SCHEMAS[system]), ({ path, schema }) => ({
    path,
    kind: kindOf(schema),
    fallback: defaultOf(schema),
    meaning: schema.description ?? AUGMENTATIONS[path.replace(COPY_CHANGES, "data.augment.")] ?? "",
  }));
}

function kindOf(schema: z.ZodType): string {
  const orNull = schema.safeParse(null).success ? " or null" : "";
  return plainKind(unwrapped(schema)) + orNull;
}

function plainKind(schema: z.ZodType): string {
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => `\`${option}\``).join(", ");
  if (schema instanceof z.ZodLiteral) return `\`${schema.value}\``;
  if (schema instanceof z.ZodNumberFormat) return "whole number";
  if (schema instanceof z.ZodNumber) return "number";
  if (schema instanceof z.ZodBoolean) return "true, false";
  if (schema instanceof z.ZodString) return "text";
  if (schema instanceof z.ZodTuple) return "two numbers";
  if (schema instanceof z.ZodArray) {
    const element = plainKind(unwrapped(schema.element));
    return `list of ${element === "text" ? "texts" : element.replace(/(number|mapping)$/, "$1s")}`;
  }
  if (schema instanceof z.ZodUnion) return schema.options.map((option) => plainKind(unwrapped(option))).join(" or ");
  return "mapping";
}

function defaultOf(schema: z.ZodType): string {
  const result = schema.safeParse(undefined);
  if (!result.success) return "**required**";
  const value: unknown = result.data;
  if (value === undefined || (unwrapped(schema) instanceof z.ZodObject && value !== null)) return "";
  return `\`${JSON.stringify(value).replaceAll(",", ", ").replaceAll(":", ": ")}\``;
}

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const HEAD = ["key", "value", "default", "meaning"];
const cells = ({ path, kind, fallback, meaning }: KeyRow) => [`\`${path}\``, kind, fallback, meaning];
const id = (row: KeyRow) => cells(row).join("|");

/** What parts of the model, and sources for training and for validation, have in common stands once. */
function condensed(rows: readonly KeyRow[]): KeyRow[] {
  const seen = new Set<string>();
  return rows.flatMap((row) => {
    if (row.path.startsWith("data.validation[].") || row.path.startsWith(COPY_CHANGES)) return [];
    const path = row.path.replace(/^optimizer\.groups\.\w+\.(?!lr$)/, "optimizer.groups.*.");
    if (seen.has(path)) return [];
    seen.add(path);
    return [{ ...row, path }];
  });
}

/** One table of what all systems share, and one a system of the rest. */
export function keyTables(): string {
  const rows = Object.fromEntries(SYSTEMS.map((system) => [system, condensed(keyRows(system))])) as Record<
    System,
    KeyRow[]
  >;
  const sets = SYSTEMS.map((system) => new Set(rows[system].map(id)));
  const shared = rows.tokenizer.filter((row) => sets.every((set) => set.has(id(row))));
  const isShared = new Set(shared.map(id));
  const sections = SYSTEMS.map((system) => {
    const own = rows[system].filter((row) => !isShared.has(id(row)));
    return `#### \`system: ${system}\`\n\n${table(HEAD, own.map(cells))}`;
  });
  return [`#### All systems\n\n${table(HEAD, shared.map(cells))}`, ...sections].join("\n\n");
}

/** Upstream's names and what they become. */
export function upstreamTable(): string {
  const names = (list: readonly string[]) => list.map((name) => `\`${name}\``).join(", ");
  const rows = UPSTREAM_SETTINGS.map((s) => [names(s.names), names(s.to), s.note ?? ""]);
  return table(["upstream's names", "here", ""], [...rows, [names(UPSTREAM_IGNORED), "", "no effect"]]);
}
