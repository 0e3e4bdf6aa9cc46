/**
 * Stage `sounds`: labelled sound events, backgrounds and music of every package that may train, as three folders of WAV
 * files with a metadata.tsv each: what scenes are made from and what the tokeniser hears besides speech.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import type { AudioSource, Manifest } from "../sources/sources.ts";
import { listFiles, listMembers, type Member, unpack } from "../sources/unpack.ts";
import { sha256 } from "../stages/hash.ts";
import { writeWhole } from "../stages/write-whole.ts";
import { playInstruments } from "./instruments.ts";
import { cutPieces, decodeNative, trimSilence } from "./sound-clips.ts";
import { readSoundRules, ruleOf, SOUND_KINDS, type SoundKind, type SoundRule } from "./sound-rules.ts";

/** Longest piece of a file, seconds. */
const LONGEST_PIECE = 20;
/** Names of audio files. */
export const AUDIO_FILE = /\.(wav|ogg|oga|flac|mp3)$/i;
/** Raised when the code changes what it writes. */
const REVISION = 1;

export interface CollectOptions {
  manifest: Manifest;
  /** Folder with the packages' files. */
  downloads: string;
  /** Folder where packages are extracted. */
  unpacked: string;
  out: string;
  log: (line: string) => void;
}

/** A clip that was written. */
export interface Clip {
  kind: SoundKind;
  /** Relative to the folder of its kind. */
  path: string;
  label: string;
  phrase: string;
  characteristic: string;
  licence: string;
  author: string;
  source: string;
  seconds: number;
}

export const FOLDERS: Readonly<Record<SoundKind, string>> = {
  event: "events",
  background: "backgrounds",
  music: "music",
};

/** Writes `events`, `backgrounds` and `music` below `out`. Sources that were finished with the same rows are kept. */
export async function collectSounds(options: CollectOptions): Promise<void> {
  const { manifest, out, log } = options;
  const rules = readSoundRules();
  const sources = manifest.audio.filter(({ name, use }) => use === "train" && rules.some((r) => r.source === name));
  const clips: Clip[] = [];
  const heard = new Set<string>();
  for (const source of sources) {
    const found = await collectSource(
      source,
      rules.filter((rule) => rule.source === source.name),
      options,
    );
    // The same recording under several names is heard once.
    clips.push(...found.filter(({ hash }) => !heard.has(hash)).map(({ hash: _hash, ...clip }) => clip));
    for (const { hash } of found) heard.add(hash);
    log(`  ${source.name}: ${found.length} clips`);
  }
  clips.push(...(await playInstruments(options)));
  writeTables(clips, out);
  removeOthers(clips, out);
  for (const line of labelTable(clips)) log(line);
}

type HashedClip = Clip & { hash: string };

async function collectSource(source: AudioSource, rules: SoundRule[], options: CollectOptions): Promise<HashedClip[]> {
  const { downloads, unpacked, out, log } = options;
  const stamp = join(out, "finished", `${source.name}.json`);
  const inputs = sha256(
    JSON.stringify([REVISION, source.sha256, source.heldOut, rules.map((r) => ({ ...r, pattern: r.pattern.source }))]),
  );
  if (existsSync(stamp)) {
    const known = JSON.parse(readFileSync(stamp, "utf8")) as { inputs: string; clips: HashedClip[] };
    if (known.inputs === inputs) return known.clips;
  }
  const folder = await unpack(source, downloads, unpacked);
  const { members, close } = await listMembers(source, folder);
  const never = source.heldOut ? new RegExp(source.heldOut) : undefined;
  const clips: HashedClip[] = [];
  const seen = new Set<string>();
  for (const member of members) {
    if (!AUDIO_FILE.test(member.path) || never?.test(member.path)) continue;
    const rule = ruleOf(rules, member.path);
    if (!rule) continue;
    const bytes = await member.read();
    const hash = sha256(bytes);
    if (seen.has(hash)) continue;
    seen.add(hash);
    try {
      for (const clip of await writeClips(source, rule, member, bytes, out)) clips.push({ ...clip, hash });
    } catch (error) {
      log(`  left out ${source.name}: ${(error as Error).message}`);
    }
  }
  await close();
  writeWhole(stamp, JSON.stringify({ inputs, clips }));
  return clips;
}

async function writeClips(
  source: AudioSource,
  rule: SoundRule,
  member: Member,
  bytes: Uint8Array,
  out: string,
): Promise<Clip[]> {
  const kind = rule.kind as SoundKind;
  const recording = await decodeNative(bytes, member.path, rule.seconds);
  const sound = trimSilence(recording);
  if (!sound) return [];
  const stem = member.path.replace(/^.*\/|\.\w+$/g, "").replace(/[^\w-]+/g, "-");
  const name = `${stem}-${sha256(member.path).slice(0, 6)}`;
  return cutPieces(sound, LONGEST_PIECE * recording.sampleRate).map((piece, i) => {
    const path = `${source.name}/${name}-${i}.wav`;
    writeWhole(join(out, FOLDERS[kind], path), encodeWav([piece], recording.sampleRate, "s16"));
    return {
      kind,
      path,
      label: rule.label,
      phrase: rule.phrase,
      characteristic: rule.characteristic,
      licence: rule.licence || source.licence,
      author: rule.author || source.attribution,
      source: `${source.name} ${source.version}, ${member.path}`,
      seconds: piece.length / recording.sampleRate,
    };
  });
}

const TABLE = ["path", "label", "phrase", "characteristic", "licence", "author", "source"] as const;

function writeTables(clips: readonly Clip[], out: string): void {
  for (const kind of SOUND_KINDS) {
    const rows = clips
      .filter((clip) => clip.kind === kind)
      .map((clip) => TABLE.map((column) => clip[column]).join("\t"));
    writeWhole(join(out, FOLDERS[kind], "metadata.tsv"), `${[TABLE.join("\t"), ...rows].join("\n")}\n`);
  }
}

/** Removes clips of earlier runs that no table names. */
function removeOthers(clips: readonly Clip[], out: string): void {
  for (const kind of SOUND_KINDS) {
    const folder = join(out, FOLDERS[kind]);
    const named = new Set(clips.filter((clip) => clip.kind === kind).map(({ path }) => path));
    for (const { path } of listFiles(folder)) if (path.endsWith(".wav") && !named.has(path)) rmSync(join(folder, path));
  }
}

/** Clips and minutes of every label. */
function labelTable(clips: readonly Clip[]): string[] {
  return SOUND_KINDS.flatMap((kind) => {
    const own = clips.filter((clip) => clip.kind === kind);
    const minutes = (of: readonly Clip[]) => of.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
    const labels = [...new Set(own.map(({ label }) => label))].sort();
    return [
      `${kind}: ${own.length} clips, ${minutes(own).toFixed(1)} min, ${labels.length} labels`,
      ...labels.map((label) => {
        const some = own.filter((clip) => clip.label === label);
        return `  ${label.padEnd(22)} ${String(some.length).padStart(5)} clips ${minutes(some).toFixed(1).padStart(6)} min`;
      }),
    ];
  });
}
