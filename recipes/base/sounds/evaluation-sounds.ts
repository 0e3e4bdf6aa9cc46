/**
 * Stage `evaluation sounds`: class folders of sounds from whole packages that train nothing, told from their paths by
 * sound-classes.tsv. `evaluation` measures the result; `development`, from yet other packages, is for choosing.
 */
import { existsSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { listMembers, unpack } from "../sources/unpack.ts";
import { RecipeError } from "../stages/errors.ts";
import { hashOrder, sha256 } from "../stages/hash.ts";
import { writeWhole } from "../stages/write-whole.ts";
import { cutPieces, decodeNative, repeatToLength, trimSilence } from "./sound-clips.ts";
import { AUDIO_FILE, type CollectOptions } from "./sounds.ts";

export const SOUND_SETS = ["evaluation", "development"] as const;
export type SoundSet = (typeof SOUND_SETS)[number];

/** Seconds of a clip. Shorter sounds are repeated; of longer ones the first and the middle piece are taken. */
const SHORTEST = 1;
const LONGEST = 5;
const PIECES_A_FILE = 2;
/** Seconds read of a file. */
const READ = 60;
/** Classes of one size, as far as there are clips. */
const MOST_A_CLASS = 20;
/** With fewer a class says little. */
export const FEWEST_A_CLASS = 8;
/** Raised when the code changes what it writes. */
const REVISION = 1;

export interface ClassRule {
  set: SoundSet;
  source: string;
  pattern: RegExp;
  label: string;
}

/** Reads the table of classes. @throws RecipeError naming the row that cannot be used. */
export function readClassRules(file: string | URL = new URL("sound-classes.tsv", import.meta.url)): ClassRule[] {
  const [, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line, i) => {
    const [set, source, pattern, label] = line.split("\t");
    if (!SOUND_SETS.includes(set as SoundSet) || !source || !pattern || !label)
      throw new RecipeError(`${file} line ${i + 2}: expected ${SOUND_SETS.join(" or ")}, a source, a pattern, a class`);
    return { set: set as SoundSet, source, pattern: new RegExp(pattern), label };
  });
}

interface Clip {
  label: string;
  /** Relative to the set's folder. */
  path: string;
  wav: Uint8Array;
  row: string;
}

/**
 * Writes the class folders of a set to `out`, and a table of where each clip is from, out.tsv. A finished set is kept.
 * @throws RecipeError for a class that has too few clips, and for packages that train.
 */
export async function collectClasses(set: SoundSet, options: CollectOptions): Promise<void> {
  const { manifest, out, log } = options;
  const rules = readClassRules().filter((rule) => rule.set === set);
  const sources = [...new Set(rules.map(({ source }) => source))].map((name) => {
    const source = manifest.audio.find((audio) => audio.name === name);
    if (source?.use !== "evaluate")
      throw new RecipeError(`sound-classes.tsv: ${name} is not a source of sources.json with "use": "evaluate"`);
    return source;
  });
  const inputs = sha256(
    JSON.stringify([REVISION, sources.map((s) => s.sha256), rules.map((r) => [r.source, r.pattern.source, r.label])]),
  );
  const stamp = `${out}.json`;
  if (existsSync(stamp) && existsSync(out) && JSON.parse(readFileSync(stamp, "utf8")).inputs === inputs) return;
  const clips: Clip[] = [];
  for (const source of sources) {
    const own = rules.filter((rule) => rule.source === source.name);
    const { members, close } = await listMembers(source, await unpack(source, options.downloads, options.unpacked));
    const seen = new Set<string>();
    for (const { path, read } of members) {
      const rule = AUDIO_FILE.test(path) ? own.find(({ pattern }) => pattern.test(path)) : undefined;
      if (!rule) continue;
      const bytes = await read();
      const hash = sha256(bytes);
      if (seen.has(hash)) continue;
      seen.add(hash);
      const stem = path.replace(/^.*\/|\.\w+$/g, "").replace(/[^\w-]+/g, "-");
      const pieces = await excerpts(bytes, path).catch((error: Error) => {
        log(`  left out ${source.name}: ${error.message}`);
        return [];
      });
      for (const [i, wav] of pieces.entries()) {
        const clip = `${rule.label}/${source.name}-${stem}-${sha256(path).slice(0, 6)}-${i}.wav`;
        const row = [clip, rule.label, source.licence, source.attribution, `${source.name} ${source.version}, ${path}`];
        clips.push({ label: rule.label, path: clip, wav, row: row.join("\t") });
      }
    }
    await close();
  }
  const partial = `${out}.partial`;
  rmSync(partial, { recursive: true, force: true });
  const rows: string[] = [];
  const labels = [...new Set(rules.map((rule) => rule.label))].sort();
  const count = (label: string) => clips.filter((clip) => clip.label === label).length;
  const few = labels.filter((label) => count(label) < FEWEST_A_CLASS).map((label) => `${label} (${count(label)})`);
  if (few.length > 0)
    throw new RecipeError(
      `sound-classes.tsv: expected ${FEWEST_A_CLASS} clips or more of each class of ${set}, found fewer: ${few.join(", ")}`,
    );
  for (const label of labels) {
    const own = clips.filter((clip) => clip.label === label);
    const chosen = hashOrder(own, set, ({ path }) => path).slice(0, MOST_A_CLASS);
    for (const { path, wav, row } of chosen) {
      writeWhole(join(partial, path), wav);
      rows.push(row);
    }
    log(`  ${label.padEnd(18)} ${chosen.length} clips of ${own.length}`);
  }
  rmSync(out, { recursive: true, force: true });
  renameSync(partial, out);
  writeWhole(`${out}.tsv`, `${["path\tlabel\tlicence\tauthor\tsource", ...rows].join("\n")}\n`);
  writeWhole(stamp, JSON.stringify({ inputs }));
}

/** Clips of 1 to 5 s of a file. */
async function excerpts(bytes: Uint8Array, name: string): Promise<Uint8Array[]> {
  const recording = await decodeNative(bytes, name, READ);
  const sound = trimSilence(recording);
  if (!sound) return [];
  const { sampleRate } = recording;
  const pieces = cutPieces(sound, LONGEST * sampleRate);
  const chosen = pieces.length <= PIECES_A_FILE ? pieces : [pieces[0]!, pieces[Math.floor(pieces.length / 2)]!];
  return chosen.map((piece) => encodeWav([repeatToLength(piece, SHORTEST * sampleRate)], sampleRate, "s16"));
}
