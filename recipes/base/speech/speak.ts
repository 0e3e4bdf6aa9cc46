/**
 * Stage `speak`: sentences read by the synthetic voices of Kokoro-82M (Apache-2.0), as WAV files with a metadata.tsv.
 * Each clip is a function of its number, so several processes may share the work and a stopped run goes on.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Random } from "@uat/training";
import { Espeak } from "../../../packages/training/src/synth/sources/espeak.ts";
import { Kokoro, kokoroVoice } from "../../../packages/training/src/synth/sources/kokoro.ts";
import { kokoroPhonemes } from "../../../packages/training/src/synth/sources/kokoro-phonemes.ts";

const RATE = 24000;

/** Voices that measure what tokens keep of a voice never heard: no clip of theirs is made here. */
export const HELD_OUT_VOICES = ["af_bella", "am_fenrir", "bf_isabella", "bm_lewis"];

/** Voices that choices are made by: their clips train nothing. */
export const DEVELOPMENT_VOICES = ["am_adam", "af_sky", "bf_lily", "bm_daniel"];

export const VOICES =
  "af_alloy af_aoede af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah af_sky am_adam am_echo am_eric am_liam am_michael am_onyx am_puck am_santa bf_alice bf_emma bf_lily bm_daniel bm_fable bm_george".split(
    " ",
  );

export interface SpeakOptions {
  /** Folder with model.onnx, vocab.json and voices/. */
  kokoro: string;
  texts: readonly string[];
  out: string;
  /** This process makes the clips whose number leaves `part` when divided by `parts`. */
  part: number;
  parts: number;
  log: (line: string) => void;
}

/** From this clip on most are read by the mean of two voices of the training: many more voices than there are. */
const FIRST_BLEND = 700;
const BLENDS = 0.75;

/** Who says clip number i, and how fast. */
export function reading(i: number): { voice: string; speed: number } {
  const random = new Random(1000 + i);
  const voice = VOICES[random.below(VOICES.length)]!;
  const speed = random.uniform(0.85, 1.2);
  if (i < FIRST_BLEND || random.uniform() >= BLENDS) return { voice, speed };
  const training = VOICES.filter((v) => !DEVELOPMENT_VOICES.includes(v));
  const one = training[random.below(training.length)]!;
  const others = training.filter((v) => v !== one && v[1] === one[1]);
  return { voice: `${one}+${others[random.below(others.length)]}`, speed };
}

export const clipPath = (i: number) => `${reading(i).voice}/${String(i).padStart(5, "0")}.wav`;

/** Makes the clips that are missing. */
export async function speak({ kokoro: folder, texts, out, part, parts, log }: SpeakOptions): Promise<void> {
  const files = {
    model: join(folder, "model.onnx"),
    voices: join(folder, "voices"),
    vocabulary: join(folder, "vocab.json"),
  };
  const kokoro = await Kokoro.open(files, 1);
  const espeak = await Espeak.open("espeak-ng");
  let seconds = 0;
  const start = performance.now();
  for (let i = part; i < texts.length; i += parts) {
    const path = join(out, clipPath(i));
    if (existsSync(path)) continue;
    const { voice, speed } = reading(i);
    mkdirSync(join(out, voice), { recursive: true });
    const phonemes = await kokoroPhonemes(texts[i]!, voice.startsWith("b") ? "en-gb" : "en-us", espeak);
    const samples = await kokoro.speak(phonemes, voice, speed);
    writeFileSync(`${path}.partial`, encodeWav([samples], RATE, "s16"));
    renameSync(`${path}.partial`, path);
    seconds += samples.length / RATE;
    if (((i - part) / parts) % 50 === 0) {
      const minutes = (performance.now() - start) / 60000;
      log(`  clip ${i} of ${texts.length}: ${(seconds / 60).toFixed(1)} min of speech in ${minutes.toFixed(1)} min`);
    }
  }
  await kokoro.close();
}

/** Writes metadata.tsv of the clips that are there and may train. Returns how many, and their minutes. */
export function writeMetadata(texts: readonly string[], out: string): { clips: number; minutes: number } {
  const rows = ["path\tlanguage\tspeaker\tgender\tage\ttext\tlicence"];
  let bytes = 0;
  for (const [i, text] of texts.entries()) {
    const path = clipPath(i);
    if (!existsSync(join(out, path)) || DEVELOPMENT_VOICES.includes(reading(i).voice)) continue;
    const { speaker, gender, language } = kokoroVoice(reading(i).voice);
    rows.push([path, language, speaker, gender, "Adult", text, "Apache-2.0"].join("\t"));
    bytes += statSync(join(out, path)).size;
  }
  const file = join(out, "metadata.tsv");
  if (!existsSync(file) || readFileSync(file, "utf8") !== `${rows.join("\n")}\n`)
    writeFileSync(file, `${rows.join("\n")}\n`);
  return { clips: rows.length - 1, minutes: bytes / 2 / RATE / 60 };
}
