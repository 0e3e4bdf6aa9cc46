/**
 * Stage `evaluation speech`: what speech is measured on, never trained on. Sentences of evaluation-sentences.txt read by
 * voices that trained nothing, by voices known from training, and by another kind of synthesis; sentences of a person.
 * A second, smaller set of other sentences is for choosing between models.
 */
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { encodeWav } from "@uat/audio";
import { Espeak } from "../../../packages/training/src/synth/sources/espeak.ts";
import { Kokoro, kokoroVoice } from "../../../packages/training/src/synth/sources/kokoro.ts";
import { kokoroPhonemes } from "../../../packages/training/src/synth/sources/kokoro-phonemes.ts";
import { decodeNative } from "../sounds/sound-clips.ts";
import { writeWhole } from "../stages/write-whole.ts";
import { Piper } from "./piper.ts";
import { HELD_OUT_VOICES } from "./speak.ts";
import { heldOutPaths, readSpeechFolder, type Utterance } from "./speech-folder.ts";

const KOKORO_RATE = 24000;

/** Voices that are also in training, with other sentences. */
const KNOWN_VOICES = ["af_heart", "am_michael", "bf_emma", "bm_george"];
const DEVELOPMENT_VOICES = ["am_adam", "af_sky", "bf_lily", "bm_daniel"];
const SENTENCES_A_VOICE = 10;
const DEVELOPMENT_SENTENCES_A_VOICE = 6;
/** Of the person's sentences that are kept out of training, so many serve development. */
const DEVELOPMENT_RECORDINGS = 12;

export interface SpokenClip {
  path: string;
  voice: string;
  text: string;
  /** What a clip can show. */
  group: "held-out voice" | "known voice" | "other synthesis" | "recording";
}

/** Who reads which sentence; no sentence is in both sets. */
export function readingPlan(sentences: readonly string[]): { evaluation: SpokenClip[]; development: SpokenClip[] } {
  const clip = (voice: string, group: SpokenClip["group"], number: number): SpokenClip => ({
    path: `${voice}/${String(number).padStart(3, "0")}.wav`,
    voice,
    text: sentences[number]!,
    group,
  });
  const spread = (voices: readonly string[], group: SpokenClip["group"], each: number, first: number) =>
    voices.flatMap((voice, v) => Array.from({ length: each }, (_, i) => clip(voice, group, first + v * each + i)));
  const developmentStart = sentences.length - DEVELOPMENT_VOICES.length * DEVELOPMENT_SENTENCES_A_VOICE;
  const heldOut = spread(HELD_OUT_VOICES, "held-out voice", SENTENCES_A_VOICE, 0);
  const known = spread(KNOWN_VOICES, "known voice", SENTENCES_A_VOICE, heldOut.length);
  const piper = spread(["joe"], "other synthesis", 20, developmentStart - 20);
  const development = spread(DEVELOPMENT_VOICES, "known voice", DEVELOPMENT_SENTENCES_A_VOICE, developmentStart);
  return { evaluation: [...heldOut, ...known, ...piper], development };
}

/** One sentence a line. */
export const readSentences = (file: string | URL = new URL("evaluation-sentences.txt", import.meta.url)): string[] =>
  readFileSync(file, "utf8").trimEnd().split("\n");

export interface EvaluationSpeechOptions {
  /** Folder with model.onnx, vocab.json and voices/. */
  kokoro: string;
  /** The voice joe, NAME.onnx with NAME.onnx.json beside it. */
  piper: string;
  /** The folder of recorded speech. */
  speech: string | undefined;
  /** Where the two sets go. */
  evaluation: string;
  development: string;
  log: (line: string) => void;
}

/** Writes WAV files and metadata.tsv of both sets; clips that are there are kept. */
export async function makeEvaluationSpeech(options: EvaluationSpeechOptions): Promise<void> {
  const plan = readingPlan(readSentences());
  const utterances = readSpeechFolder(options.speech);
  const kept = heldOutPaths(utterances);
  const recorded = utterances.filter(({ path }) => kept.has(path));
  const readers = new Readers(options);
  for (const [out, clips, recordings] of [
    [options.evaluation, plan.evaluation, recorded.slice(DEVELOPMENT_RECORDINGS)],
    [options.development, plan.development, recorded.slice(0, DEVELOPMENT_RECORDINGS)],
  ] as const) {
    for (const clip of clips) {
      if (!existsSync(join(out, clip.path))) writeWhole(join(out, clip.path), await readers.wav(clip));
    }
    const own = await copyRecordings(recordings, options.speech!, out);
    const rows = [...clips, ...own].map(({ path, voice, text, group }) => {
      const facts = /^[ab][fm]_/.test(voice)
        ? kokoroVoice(voice)
        : { language: "en-US", gender: voice === "joe" ? "Male" : "Female" };
      const licence = voice === "joe" ? "MIT" : group === "recording" ? "CC0-1.0" : "Apache-2.0";
      return [path, facts.language, voice, facts.gender, "Adult", text, licence, group].join("\t");
    });
    const head = "path\tlanguage\tspeaker\tgender\tage\ttext\tlicence\tgroup";
    writeWhole(join(out, "metadata.tsv"), `${[head, ...rows].join("\n")}\n`);
    options.log(`  ${out}: ${rows.length} clips`);
  }
  await readers.close();
}

async function copyRecordings(utterances: readonly Utterance[], folder: string, out: string): Promise<SpokenClip[]> {
  const clips: SpokenClip[] = [];
  for (const { path, speaker, text } of utterances) {
    const copy = `${speaker}/${path.replace(/^.*\/|\.\w+$/g, "")}.wav`;
    if (!existsSync(join(out, copy))) {
      const { samples, sampleRate } = await decodeNative(await readFile(join(folder, path)), path, 30);
      writeWhole(join(out, copy), encodeWav([samples], sampleRate, "s16"));
    }
    clips.push({ path: copy, voice: speaker, text, group: "recording" });
  }
  return clips;
}

/** The synthetic voices, opened when the first clip is missing. */
class Readers {
  readonly #options: EvaluationSpeechOptions;
  #espeak: Promise<Espeak> | undefined;
  #kokoro: Promise<Kokoro> | undefined;
  #piper: Promise<Piper> | undefined;

  constructor(options: EvaluationSpeechOptions) {
    this.#options = options;
  }

  async wav({ voice, text }: SpokenClip): Promise<Uint8Array> {
    this.#espeak ??= Espeak.open("espeak-ng");
    const espeak = await this.#espeak;
    if (voice === "joe") {
      this.#piper ??= Piper.open(this.#options.piper, espeak);
      const piper = await this.#piper;
      return encodeWav([await piper.speak(text)], piper.sampleRate, "s16");
    }
    const folder = this.#options.kokoro;
    this.#kokoro ??= Kokoro.open(
      { model: join(folder, "model.onnx"), voices: join(folder, "voices"), vocabulary: join(folder, "vocab.json") },
      1,
    );
    const phonemes = await kokoroPhonemes(text, voice.startsWith("b") ? "en-gb" : "en-us", espeak);
    return encodeWav([await (await this.#kokoro).speak(phonemes, voice, 1)], KOKORO_RATE, "s16");
  }

  async close(): Promise<void> {
    await (await this.#kokoro)?.close();
    await (await this.#piper)?.close();
  }
}
