/**
 * Stage `recordings`: people's speech from the packages, besides the folder of recorded sentences: telephone prompts in
 * five languages and the voices of games, as WAV files with a metadata.tsv. Few have a text: those whose file is named
 * after the word it holds.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { decodeNative, trimSilence } from "../sounds/sound-clips.ts";
import { AUDIO_FILE, type CollectOptions } from "../sounds/sounds.ts";
import { listMembers, unpack } from "../sources/unpack.ts";
import { sha256 } from "../stages/hash.ts";
import { writeWhole } from "../stages/write-whole.ts";
import { promptText } from "./prompt-text.ts";

/** Seconds taken of a file. */
const LONGEST = 29;
/** Shorter ones hold no word. */
const SHORTEST = 0.2;
const COLUMNS = ["path", "language", "speaker", "gender", "age", "text", "licence", "author"] as const;

interface VoiceRule {
  source: string;
  pattern: RegExp;
  language: string;
  speaker: string;
  gender: string;
  age: string;
}

/** Reads recording-voices.tsv: whose voice the files of a package hold. */
export function readVoiceRules(file: string | URL = new URL("recording-voices.tsv", import.meta.url)): VoiceRule[] {
  const [, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [source = "", pattern = "", language = "", speaker = "", gender = "", age = ""] = line.split("\t");
    return { source, pattern: new RegExp(pattern), language, speaker, gender, age };
  });
}

/** Writes the clips and metadata.tsv to `out`; what was written before is kept. */
export async function collectRecordings({ manifest, downloads, unpacked, out, log }: CollectOptions): Promise<void> {
  const rules = readVoiceRules();
  const rows: string[] = [];
  for (const source of manifest.audio) {
    const own = rules.filter((rule) => rule.source === source.name);
    if (own.length === 0 || source.use !== "train") continue;
    const { members, close } = await listMembers(source, await unpack(source, downloads, unpacked));
    const seen = new Set<string>();
    let seconds = 0;
    let count = 0;
    for (const { path, read } of members) {
      const rule = AUDIO_FILE.test(path) ? own.find(({ pattern }) => pattern.test(path)) : undefined;
      if (!rule) continue;
      const bytes = await read();
      const hash = sha256(bytes);
      if (seen.has(hash)) continue;
      seen.add(hash);
      const stem = path.replace(/^.*\/|\.\w+$/g, "").replace(/[^\w-]+/g, "-");
      const clip = `${rule.speaker}/${stem}-${sha256(path).slice(0, 6)}.wav`;
      const length = await writeClip(bytes, path, join(out, clip)).catch((error: Error) => {
        log(`  left out ${source.name}: ${error.message}`);
        return 0;
      });
      if (length === 0) continue;
      const { language, speaker, gender, age } = rule;
      const facts = {
        path: clip,
        language,
        speaker,
        gender,
        age,
        text: promptText(path, language),
        licence: source.licence,
        author: source.attribution,
      };
      rows.push(COLUMNS.map((column) => facts[column]).join("\t"));
      seconds += length;
      count++;
    }
    await close();
    log(`  ${source.name}: ${count} clips, ${(seconds / 60).toFixed(1)} min`);
  }
  writeWhole(join(out, "metadata.tsv"), `${[COLUMNS.join("\t"), ...rows].join("\n")}\n`);
}

/** Seconds of the clip; 0 for what holds no speech. */
async function writeClip(bytes: Uint8Array, name: string, file: string): Promise<number> {
  if (existsSync(file)) {
    const header = readFileSync(file);
    return (header.length - 44) / header.readUInt32LE(28);
  }
  const recording = await decodeNative(bytes, name, LONGEST);
  const speech = trimSilence(recording);
  if (!speech || speech.length < SHORTEST * recording.sampleRate) return 0;
  writeWhole(file, encodeWav([speech], recording.sampleRate, "s16"));
  return speech.length / recording.sampleRate;
}
