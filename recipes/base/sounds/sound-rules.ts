/**
 * What the files of a package sound like, told from their paths by sound-labels.tsv: a row is a source, a pattern, the
 * kind of sound, its label, the label as it stands in a sentence, and what is true of it in itself.
 */
import { readFileSync } from "node:fs";
import { RecipeError } from "../stages/errors.ts";

export const SOUND_KINDS = ["event", "background", "music"] as const;
export type SoundKind = (typeof SOUND_KINDS)[number];

export interface SoundRule {
  source: string;
  pattern: RegExp;
  /** `none`: a path that matches is left out, whatever the later rows say. */
  kind: SoundKind | "none";
  label: string;
  phrase: string;
  characteristic: string;
  /** At most so many seconds of one file. */
  seconds: number;
  /** The file's own licence and author, where its package mixes licences. */
  licence: string;
  author: string;
}

/** Seconds taken of a file whose row does not say. */
const USUAL_SECONDS = 120;
const COLUMNS = ["source", "pattern", "kind", "label", "phrase", "characteristic", "seconds", "licence", "author"];

/** Reads the table. @throws RecipeError naming the row that cannot be used. */
export function readSoundRules(file: string | URL = new URL("sound-labels.tsv", import.meta.url)): SoundRule[] {
  const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const columns = head!.split("\t");
  const unknown = columns.find((name) => !COLUMNS.includes(name));
  if (unknown !== undefined)
    throw new RecipeError(`${file}: has a column "${unknown}", expected ${COLUMNS.join(", ")}`);
  return lines.map((line, i) => {
    const cells = line.split("\t");
    const cell = (name: string) => cells[columns.indexOf(name)] ?? "";
    const kind = cell("kind") as SoundRule["kind"];
    const where = `${file} line ${i + 2}`;
    if (kind !== "none" && !SOUND_KINDS.includes(kind))
      throw new RecipeError(`${where}: kind "${kind}", expected ${SOUND_KINDS.join(", ")} or none`);
    if (kind !== "none" && (!cell("label") || !cell("phrase")))
      throw new RecipeError(`${where}: has no label or no phrase; both say what is heard`);
    const seconds = cell("seconds") === "" ? USUAL_SECONDS : Number(cell("seconds"));
    if (!(seconds > 0)) throw new RecipeError(`${where}: "${cell("seconds")}" seconds, expected a number above 0`);
    return {
      source: cell("source"),
      pattern: new RegExp(cell("pattern")),
      kind,
      label: cell("label"),
      phrase: cell("phrase"),
      characteristic: cell("characteristic"),
      seconds,
      licence: cell("licence"),
      author: cell("author"),
    };
  });
}

/** The first row that fits a file; none where the file is not used. */
export function ruleOf(rules: readonly SoundRule[], path: string): SoundRule | undefined {
  const rule = rules.find(({ pattern }) => pattern.test(path));
  return rule?.kind === "none" ? undefined : rule;
}
