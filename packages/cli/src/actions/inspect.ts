/** The work of `uat inspect`: find out what the argument is, print its facts. */
import { existsSync, statSync } from "node:fs";
import type { Command } from "commander";
import { openModel } from "universal-audio-tokenizer/internal";
import { isUrl } from "../input/audio-files.ts";
import { inspectFile } from "../inspect/file.ts";
import { inspectModel } from "../inspect/model.ts";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { Reporter } from "../output/reporter.ts";
import { print } from "../output/standard-output.ts";

/** Facts by name, in the order of printing; lists are printed one item a line. */
export type Facts = { readonly [name: string]: string | number | boolean | null | Facts | readonly Facts[] };

export async function inspect(target: string, command: Command): Promise<void> {
  const { json, quiet = false } = command.optsWithGlobals<GlobalOptions & { json?: boolean }>();
  const reporter = new Reporter(quiet);
  const isFile = isUrl(target) || (existsSync(target) && !statSync(target).isDirectory());
  const facts = isFile
    ? await inspectFile(target)
    : await inspectModel(await openModel(target, modelOptions(command, reporter)));
  reporter.clear();
  await print(json ? `${JSON.stringify(facts, null, 2)}\n` : `${lines(facts, "").join("\n")}\n`);
}

function lines(facts: Facts, indent: string): string[] {
  const width = Math.max(0, ...Object.entries(facts).map(([name, v]) => (typeof v === "object" ? 0 : name.length)));
  return Object.entries(facts).flatMap(([name, value]) => {
    if (value === null) return [];
    if (Array.isArray(value)) return [`${indent}${name}`, ...table(value as Facts[], `${indent}  `)];
    if (typeof value === "object") return [`${indent}${name}`, ...lines(value as Facts, `${indent}  `)];
    return [`${indent}${name.padEnd(width)}  ${value}`];
  });
}

/** Rows with equal keys, as aligned columns. */
function table(rows: readonly Facts[], indent: string): string[] {
  const keys = Object.keys(rows[0] ?? {});
  const widths = keys.map((k) => Math.max(0, ...rows.map((r) => String(r[k]).length)));
  return rows.map((r) => (indent + keys.map((k, i) => String(r[k]).padEnd(widths[i]!)).join("  ")).trimEnd());
}
