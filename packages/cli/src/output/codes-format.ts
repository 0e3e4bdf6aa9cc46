/** Codes as text or npy, in the forms that `uat decode` reads back. */
import type { ClipCodes } from "universal-audio-tokenizer";
import { InputError } from "../errors.ts";

export const CODES_FORMATS = ["json", "jsonl", "npy", "txt"] as const;
export type CodesFormat = (typeof CODES_FORMATS)[number];

/** A clip's codes with the path they came from. */
export interface NamedCodes {
  readonly path: string;
  readonly clip: ClipCodes;
}

/** The format asked for, or that of the output file's ending, or json for one clip and jsonl for several. */
export function chooseFormat(asked: CodesFormat | undefined, out: string, clips: number): CodesFormat {
  if (asked) return asked;
  const ending = out.slice(out.lastIndexOf(".") + 1).toLowerCase();
  const known = CODES_FORMATS.find((f) => f === ending && out.includes("."));
  return known ?? (clips === 1 ? "json" : "jsonl");
}

/** One row: `{"path":…,"codes":[…],"frameRate":25,"codebookSize":8192,"duration":…}`. */
export function rowOf({ path, clip }: NamedCodes): string {
  return JSON.stringify({
    path,
    codes: Array.from(clip.codes),
    frameRate: clip.frameRate,
    codebookSize: clip.codebookSize,
    duration: Math.round(clip.duration * 1e6) / 1e6,
  });
}

/** What can be printed of a clip before the next one is known; the other formats need all of them. */
export function lineOf(named: NamedCodes, format: "jsonl" | "txt"): string {
  return `${format === "jsonl" ? rowOf(named) : Array.from(named.clip.codes).join(" ")}\n`;
}

/** All clips in one json text: an object for one clip, an array for several. */
export function jsonOf(rows: readonly NamedCodes[]): string {
  return rows.length === 1 ? `${rowOf(rows[0]!)}\n` : `[\n${rows.map(rowOf).join(",\n")}\n]\n`;
}

/** int32 [T] for one clip, [B, 1, T] for several, where shorter ones end with -1. */
export async function npyOf(rows: readonly NamedCodes[]): Promise<Uint8Array> {
  const { writeNpy } = await import("universal-audio-tokenizer/internal");
  const [first] = rows;
  if (!first) throw new InputError("there are no codes to write");
  if (rows.length === 1) return writeNpy(first.clip.codes, [first.clip.codes.length]);
  const longest = Math.max(...rows.map((r) => r.clip.codes.length));
  const data = new Int32Array(rows.length * longest).fill(-1);
  for (const [i, { clip }] of rows.entries()) data.set(clip.codes, i * longest);
  return writeNpy(data, [rows.length, 1, longest]);
}
