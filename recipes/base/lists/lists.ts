/**
 * Stages `recordings`, `lists` and `genders`: a person's recordings without what is held out, and lists of all training clips with
 * their lengths, from which the trainer makes batches of like lengths.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadSpeechSamples } from "@uat/audio";
import { decodeNative } from "../sounds/sound-clips.ts";
import { heldOutPaths, readSpeechFolder } from "../speech/speech-folder.ts";
import { writeWhole } from "../stages/write-whole.ts";

type Row = Record<string, string>;

/** Rows of a tab-separated file with a head line. */
export function readTable(file: string): Row[] {
  const [head, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  const columns = head!.split("\t");
  return lines.map((line) => Object.fromEntries(line.split("\t").map((value, i) => [columns[i]!, value])));
}

/** Writes a tab-separated file with a head line, whole. */
export function writeTable(file: string, columns: readonly string[], rows: readonly Row[]): void {
  const lines = [columns, ...rows.map((row) => columns.map((name) => row[name] ?? ""))];
  writeWhole(file, `${lines.map((line) => line.join("\t")).join("\n")}\n`);
}

/** Copies the speech folder's clips that may train, with their metadata. */
export function copyRecordings(speech: string | undefined, out: string): void {
  const utterances = readSpeechFolder(speech);
  const kept = heldOutPaths(utterances);
  const rows = readTable(join(speech as string, "metadata.tsv")).filter(({ path }) => !kept.has(path!));
  for (const { path } of rows) {
    const to = join(out, path!);
    if (!existsSync(to)) writeWhole(to, readFileSync(join(speech as string, path!)));
  }
  const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
  writeTable(
    join(out, "metadata.tsv"),
    ["path", "language", "speaker", "gender", "age", "text", "licence"],
    rows.map((row) => ({ ...row, gender: capital(row.gender ?? ""), age: "Adult", licence: "CC0-1.0" })),
  );
}

/**
 * One list of the clips of several folders with a metadata.tsv, their paths relative to the list's own folder.
 * @param folders relative to it as well.
 */
export async function writeList(file: string, folders: readonly string[], columns: readonly string[]): Promise<number> {
  const rows: Row[] = [];
  for (const folder of folders) {
    for (const row of readTable(join(dirname(file), folder, "metadata.tsv"))) {
      const path = join(folder, row.path!);
      const bytes = readFileSync(join(dirname(file), path));
      const rate = 16000;
      const { samples } = await loadSpeechSamples(bytes, { sampleRate: rate, channel: "mean" });
      rows.push({ ...row, path, duration: (samples.length / rate).toFixed(3) });
    }
  }
  writeTable(file, ["path", "duration", ...columns], rows);
  return rows.length;
}

/**
 * A few clips of every speaker whose gender is known: what `uat eval reconstruction --gender-speakers` learns from.
 * @param each clips of a speaker, the first ones with a second of sound or more.
 */
export async function writeGenderList(file: string, folders: readonly string[], each: number): Promise<number> {
  const rows: Row[] = [];
  const taken = new Map<string, number>();
  for (const folder of folders) {
    for (const { path, speaker = "", gender = "" } of readTable(join(dirname(file), folder, "metadata.tsv"))) {
      const count = taken.get(speaker) ?? 0;
      if (speaker === "" || gender === "" || count === each) continue;
      const local = join(folder, path!);
      const { samples, sampleRate } = await decodeNative(readFileSync(join(dirname(file), local)), local, 30);
      if (samples.length < sampleRate) continue;
      taken.set(speaker, count + 1);
      rows.push({ path: local, speaker, gender });
    }
  }
  writeTable(file, ["path", "speaker", "gender"], rows);
  return rows.length;
}
