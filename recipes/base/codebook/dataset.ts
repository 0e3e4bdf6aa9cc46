/** Stage `audio`: every source → two shards of 16 kHz clips, `train` and `held-out`. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { changeSpeed, gain, level, mix, noise, peak, Random } from "@uat/training";
import { decodeExcerpt } from "../sources/decode.ts";
import type { AudioSource, Manifest, Selection } from "../sources/sources.ts";
import { listMembers, type Member, unpack } from "../sources/unpack.ts";
import { heldOutPaths, readSpeechFolder } from "../speech/speech-folder.ts";
import { hashOrder, sha256, unitHash } from "../stages/hash.ts";
import { room } from "./room.ts";
import { type Clip, minutesOf, SHARD_SAMPLE_RATE, Shard, ShardWriter } from "./shard.ts";

/** Share of sounds and music kept out of training, for measuring. */
const HELD_OUT_SHARE = 0.04;
/** Shorter or quieter clips teach nothing. */
const SHORTEST_SECONDS = 0.1;
const QUIETEST_LEVEL = 1e-3;
const LONGEST_SECONDS = 29;

export interface DatasetOptions {
  manifest: Manifest;
  speech: string | undefined;
  downloads: string;
  unpacked: string;
  /** Paths without extension. */
  train: string;
  heldOut: string;
  log: (line: string) => void;
}

/** Decodes all sources and writes both shards. */
export async function buildDataset(options: DatasetOptions): Promise<void> {
  const train = await ShardWriter.create(options.train);
  const heldOut = await ShardWriter.create(options.heldOut);
  await addSpeechFolder(options, train, heldOut);
  for (const source of options.manifest.audio) {
    if (source.use !== "train") continue;
    const folder = await unpack(source, options.downloads, options.unpacked);
    const { members, close } = await listMembers(source, folder);
    const seen = new Set<string>();
    for (const selection of source.select ?? [])
      await addSelection(source, selection, members, seen, train, heldOut, options.log);
    await close();
  }
  await addQuiet(train);
  await train.close();
  await heldOut.close();
  const originals = await Shard.open(options.train);
  const augmented = await ShardWriter.reopen(options.train);
  await addAugmented(originals, augmented);
  await originals.close();
  await augmented.close();
  for (const [key, minutes] of Object.entries(minutesOf(augmented.clips)).sort()) {
    options.log(`  ${minutes.toFixed(1).padStart(6)} min  ${key}`);
  }
}

async function addSpeechFolder(options: DatasetOptions, train: ShardWriter, heldOut: ShardWriter): Promise<void> {
  const utterances = readSpeechFolder(options.speech);
  const kept = heldOutPaths(utterances);
  for (const { path, language, speaker, text } of utterances) {
    const bytes = await readFile(join(options.speech!, path));
    const { samples, originalRate } = await decodeExcerpt(bytes, path, { skip: 0, length: LONGEST_SECONDS });
    const shard = kept.has(path) ? heldOut : train;
    await shard.add(samples, {
      class: "speech",
      source: `speech:${speaker}`,
      path,
      licence: "CC0-1.0",
      label: speaker,
      originalRate,
      language,
      text,
    });
  }
}

/** Adds the files of one selection in an order drawn from their paths, until its minutes are full. */
async function addSelection(
  source: AudioSource,
  selection: Selection,
  members: readonly Member[],
  seen: Set<string>,
  train: ShardWriter,
  heldOut: ShardWriter,
  log: (line: string) => void,
): Promise<void> {
  const include = new RegExp(selection.include);
  const exclude = selection.exclude ? new RegExp(selection.exclude) : undefined;
  const never = source.heldOut ? new RegExp(source.heldOut) : undefined;
  const chosen = members.filter(({ path }) => include.test(path) && !exclude?.test(path));
  const length = Math.min(selection.clipSeconds ?? LONGEST_SECONDS, LONGEST_SECONDS);
  let left = selection.minutes * 60;
  let used = 0;
  for (const member of hashOrder(chosen, source.name, ({ path }) => path)) {
    if (left <= 0) break;
    const bytes = await member.read();
    const hash = sha256(bytes);
    if (seen.has(hash)) continue;
    seen.add(hash);
    let decoded: Awaited<ReturnType<typeof decodeExcerpt>>;
    try {
      decoded = await decodeExcerpt(bytes, member.path, {
        skip: selection.skipSeconds ?? 0,
        length: Math.min(length, left),
      });
    } catch (error) {
      log(`  left out ${source.name}: ${(error as Error).message}`);
      continue;
    }
    const { samples, originalRate } = decoded;
    const seconds = samples.length / SHARD_SAMPLE_RATE;
    if (seconds < SHORTEST_SECONDS || level(samples) < QUIETEST_LEVEL) continue;
    const apart = never?.test(member.path) || (selection.class !== "speech" && unitHash(hash) < HELD_OUT_SHARE);
    await (apart ? heldOut : train).add(samples, {
      class: selection.class,
      source: source.name,
      path: member.path,
      licence: source.licence,
      label: member.description ?? member.path.replace(/^.*\/|\.\w+$/g, ""),
      originalRate,
      ...(selection.language ? { language: selection.language } : {}),
    });
    if (!apart) left -= seconds;
    used++;
  }
  log(`  ${source.name} (${selection.class}): ${used} clips, ${(selection.minutes - left / 60).toFixed(1)} min`);
}

/** Digital silence and very quiet noise: without them silence would be spread over hundreds of unrelated codes. */
async function addQuiet(train: ShardWriter): Promise<void> {
  const random = new Random(11);
  const facts = { class: "quiet", source: "made", licence: "CC0-1.0", originalRate: SHARD_SAMPLE_RATE } as const;
  for (const seconds of [29, 15, 7, 4, 3, 2]) {
    const path = `silence ${seconds} s`;
    await train.add(new Float32Array(seconds * SHARD_SAMPLE_RATE), { ...facts, path, label: "silence" });
  }
  for (const decibels of [-84, -78, -72, -66, -60, -54]) {
    for (const colour of ["white", "brown"] as const) {
      const samples = gain(noise(random.uniform(3, 8) * SHARD_SAMPLE_RATE, colour, random), decibels);
      await train.add(samples, { ...facts, path: `${colour} noise ${decibels} dB`, label: `${colour} noise` });
    }
  }
}

function stricter(a: string, b: string): string {
  const rank = (licence: string) => (licence.startsWith("CC-BY-SA") ? 2 : licence.startsWith("CC0") ? 0 : 1);
  return rank(a) >= rank(b) ? a : b;
}

/** How much is added by each kind of change, in minutes. */
const SPEED_MINUTES = 14;
const ROOM_MINUTES = 4;
const SCENE_MINUTES = 5;
const QUIETER_MINUTES = 4;

/** Copies of clips already in the shard, altered: other voices, rooms, speech over sounds, low levels. */
async function addAugmented(originals: Shard, out: ShardWriter): Promise<void> {
  const random = new Random(12);
  const wide = originals.clips.filter((clip) => clip.class === "speech" && clip.originalRate > 8000);
  const sounds = originals.clips.filter((clip) => clip.class === "sound" && clip.length > 2 * SHARD_SAMPLE_RATE);
  const any = originals.clips.filter((clip) => clip.class !== "quiet");
  const pick = (from: readonly Clip[]) => from[random.below(from.length)]!;

  const add = async (
    minutes: number,
    from: readonly Clip[],
    change: (samples: Float32Array) => Promise<[Float32Array, string, Clip?]>,
  ) => {
    for (let left = minutes * 60 * SHARD_SAMPLE_RATE; left > 0; ) {
      const clip = pick(from);
      const [samples, augmentation, other] = await change(await originals.read(clip));
      const cut = samples.subarray(0, LONGEST_SECONDS * SHARD_SAMPLE_RATE);
      const { offset: _offset, length: _length, ...facts } = clip;
      // A mixture is under the stricter of its licences.
      const licence = other ? stricter(facts.licence, other.licence) : facts.licence;
      await out.add(peak(cut) > 1 ? gain(cut, -20 * Math.log10(peak(cut))) : cut, { ...facts, licence, augmentation });
      left -= cut.length;
    }
  };

  const factors = [0.8, 0.86, 0.92, 1.08, 1.15, 1.22];
  await add(SPEED_MINUTES, wide, async (samples) => {
    const factor = factors[random.below(factors.length)]!;
    return [changeSpeed(samples, factor, SHARD_SAMPLE_RATE), `speed ${factor}`];
  });
  await add(ROOM_MINUTES, wide, async (samples) => {
    const seconds = random.uniform(0.2, 0.7);
    return [room(samples, seconds, random), `room ${seconds.toFixed(2)} s`];
  });
  await add(SCENE_MINUTES, wide, async (samples) => {
    const other = pick(sounds);
    const ratio = random.uniform(0, 15);
    return [mix(samples, await originals.read(other), ratio), `over ${other.path} at ${ratio.toFixed(0)} dB`, other];
  });
  await add(QUIETER_MINUTES, any, async (samples) => {
    const decibels = random.uniform(-30, -12);
    return [gain(samples, decibels), `gain ${decibels.toFixed(0)} dB`];
  });
}
