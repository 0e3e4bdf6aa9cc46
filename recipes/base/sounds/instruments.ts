/**
 * Music and strokes of one instrument each, played by the fluidsynth program from a sound font: recorded instruments
 * under their names. instruments.tsv names the General MIDI programs and percussion keys.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Random } from "../../../packages/audio/src/random.ts";
import { unpack } from "../sources/unpack.ts";
import { RecipeError } from "../stages/errors.ts";
import { sha256 } from "../stages/hash.ts";
import { runCommand } from "../stages/run-command.ts";
import { writeWhole } from "../stages/write-whole.ts";
import { midiFile, type Note } from "./midi.ts";
import { decodeNative, trimSilence } from "./sound-clips.ts";
import type { SoundKind } from "./sound-rules.ts";
import { type Clip, type CollectOptions, FOLDERS } from "./sounds.ts";

const SOUND_FONT = "fluidr3mono-gm-soundfont";
const FONT_FILE = "usr/share/fluidr3mono-gm-soundfont/FluidR3Mono_GM.sf3";
const RATE = 44100;
/** One rendering holds the clips of an instrument, this far apart, so that the font is loaded once. */
const CLIPS = 4;
const APART = 9;
const PHRASE_SECONDS = 6;
/** Raised when the code changes what it plays. */
const REVISION = 1;

export interface Instrument {
  kind: SoundKind;
  /** `melody` or `chords` of a program; `strokes` of a percussion key; `long` notes of a program. */
  plays: "melody" | "chords" | "strokes" | "long";
  number: number;
  label: string;
  phrase: string;
  low: number;
  high: number;
}

export function readInstruments(file: string | URL = new URL("instruments.tsv", import.meta.url)): Instrument[] {
  const [, ...lines] = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line, i) => {
    const [kind, plays, number, label, phrase, low, high] = line.split("\t");
    if (!phrase || !(Number(number) >= 0 && Number(number) < 128))
      throw new RecipeError(`${file} line ${i + 2}: expected kind, plays, number 0 to 127, label, phrase, low, high`);
    return {
      kind: kind as SoundKind,
      plays: plays as Instrument["plays"],
      number: Number(number),
      label: label!,
      phrase,
      low: Number(low || 60),
      high: Number(high || 60),
    };
  });
}

/** Steps of the scales that melodies use. */
const SCALES = [
  [0, 2, 4, 5, 7, 9, 11],
  [0, 2, 3, 5, 7, 8, 10],
  [0, 2, 4, 7, 9],
];

/** A phrase, from second 0 on. */
export function phraseNotes({ plays, number, low, high }: Instrument, random: Random): Note[] {
  const notes: Note[] = [];
  const velocity = () => 60 + random.below(60);
  if (plays === "strokes") {
    const gap = random.uniform(0.18, 0.9);
    const count = 1 + random.below(6);
    for (let i = 0; i < count; i++) notes.push({ start: i * gap, duration: 0.15, key: number, velocity: velocity() });
    return notes;
  }
  if (plays === "long") {
    const key = low + random.below(high - low + 1);
    return [{ start: 0, duration: random.uniform(2, 5), key, velocity: velocity() }];
  }
  const scale = SCALES[random.below(SCALES.length)]!;
  const root = random.below(12);
  const keys: number[] = [];
  for (let key = low; key <= high; key++) if (scale.includes((key - root + 24) % 12)) keys.push(key);
  const beat = random.uniform(0.2, 0.6);
  let at = random.below(keys.length);
  for (let now = 0; now < PHRASE_SECONDS; ) {
    const duration = beat * [1, 1, 2, 0.5, 3][random.below(5)]!;
    at = Math.min(keys.length - 1, Math.max(0, at + random.below(5) - 2));
    const steps = plays === "chords" ? [0, 2, 4] : [0];
    for (const step of steps) {
      const key = keys[at + step];
      if (key !== undefined) notes.push({ start: now, duration: duration * 0.95, key, velocity: velocity() });
    }
    now += duration;
  }
  return notes;
}

/** Writes the clips of all instruments; those of an earlier run are kept. */
export async function playInstruments({ manifest, downloads, unpacked, out, log }: CollectOptions): Promise<Clip[]> {
  const source = manifest.audio.find(({ name, use }) => name === SOUND_FONT && use === "train");
  if (!source) return [];
  const instruments = readInstruments();
  const stamp = join(out, "finished", `${SOUND_FONT}.json`);
  const inputs = sha256(JSON.stringify([REVISION, source.sha256, instruments]));
  if (existsSync(stamp)) {
    const known = JSON.parse(readFileSync(stamp, "utf8")) as { inputs: string; clips: Clip[] };
    if (known.inputs === inputs) return known.clips;
  }
  const font = join(await unpack(source, downloads, unpacked), FONT_FILE);
  const rendering = join(out, "rendering");
  mkdirSync(rendering, { recursive: true });
  const clips: Clip[] = [];
  for (const instrument of instruments) {
    const { kind, plays, number, label, phrase } = instrument;
    const random = new Random(100 + 2 * number + (plays === "strokes" ? 1 : 0));
    const notes = Array.from({ length: CLIPS }, (_, i) =>
      phraseNotes(instrument, random).map((note) => ({ ...note, start: note.start + i * APART })),
    ).flat();
    const midi = join(rendering, "notes.mid");
    const wav = join(rendering, "notes.wav");
    writeFileSync(midi, midiFile(notes, plays === "strokes" ? 9 : 0, plays === "strokes" ? 0 : number));
    await runCommand(
      "fluidsynth",
      ["-ni", "-q", "-g", "0.8", "-r", String(RATE), "-O", "s16", "-T", "wav", "-F", wav, font, midi],
      ".",
      "install fluidsynth (e.g. apt-get install fluidsynth)",
    );
    const whole = (await decodeNative(await readFile(wav), label, CLIPS * APART)).samples;
    for (let i = 0; i < CLIPS; i++) {
      const part = whole.subarray(i * APART * RATE, (i + 1) * APART * RATE - 0.2 * RATE);
      const samples = trimSilence({ samples: part, sampleRate: RATE });
      if (!samples) continue;
      const path = `${SOUND_FONT}/${plays}-${number}-${i}.wav`;
      writeWhole(join(out, FOLDERS[kind], path), encodeWav([samples], RATE, "s16"));
      clips.push({
        kind,
        path,
        label,
        phrase,
        characteristic: "",
        licence: source.licence,
        author: source.attribution,
        source: `${source.name} ${source.version}, ${plays} of ${number}`,
        seconds: samples.length / RATE,
      });
    }
  }
  rmSync(rendering, { recursive: true });
  writeWhole(stamp, JSON.stringify({ inputs, clips }));
  log(`  ${SOUND_FONT}: ${clips.length} clips`);
  return clips;
}
