/** espeak-ng as the user has it: phonemes for Kokoro, and a voice of its own. Always a process, never linked. */
import { decodeAudio, resample } from "@uat/audio";
import { TrainingError } from "../../errors.ts";
import { activeSpan } from "../levels.ts";
import { accentOf, type Gender, type Voice } from "../voices.ts";
import { runProgram } from "./program.ts";
import { type SpeechItem, type SpeechSource, UnreadableClip } from "./source.ts";

const INSTALL =
  "expected the espeak-ng program; install it (e.g. apt-get install espeak-ng) or give its path by espeak:";

export class Espeak {
  readonly #program: string;

  private constructor(program: string) {
    this.#program = program;
  }

  /** @throws TrainingError when the program is not there. */
  static async open(program: string): Promise<Espeak> {
    await runProgram(program, ["--version"], { install: INSTALL });
    return new Espeak(program);
  }

  /** IPA of one clause. Sounds that belong together, such as diphthongs, are tied by `^`. */
  async phonemes(clause: string, voice: string): Promise<string> {
    const output = await runProgram(this.#program, ["--ipa", "-q", "--tie=^", "-v", voice, "--stdin"], {
      input: clause,
      install: INSTALL,
    });
    return output.toString("utf8").trim().split(/\s+/).join(" ");
  }

  /** A whole WAV file. `words` a minute. */
  wav(text: string, voice: string, words: number): Promise<Buffer> {
    const args = ["-v", voice, "-s", String(Math.round(words)), "--stdin", "--stdout"];
    return runProgram(this.#program, args, { input: text, install: INSTALL });
  }
}

/** Words a minute at its usual pace. */
const USUAL_WORDS = 175;

export interface EspeakSpeechOptions {
  readonly name: string;
  readonly espeak: Espeak;
  /** espeak-ng's names: a language and, after +, a variant: `en-us+f2`. */
  readonly voices: readonly string[];
  readonly texts: readonly string[];
  readonly licence: string;
  readonly sampleRate: number;
}

/** espeak-ng's own voice: every text by every voice. */
export class EspeakSpeech implements SpeechSource {
  readonly name: string;
  readonly size: number;
  readonly #options: EspeakSpeechOptions;

  constructor(options: EspeakSpeechOptions) {
    this.name = options.name;
    this.size = options.voices.length * options.texts.length;
    this.#options = options;
  }

  item(index: number): SpeechItem {
    const { name, espeak, voices, texts, licence, sampleRate } = this.#options;
    const id = voices[index % voices.length]!;
    const text = texts[Math.floor(index / voices.length)]!;
    return {
      origin: { source: name, clip: id, licence },
      text,
      voice: espeakVoice(id),
      async speak({ rate }) {
        const wav = await espeak.wav(text, id, USUAL_WORDS * rate);
        const audio = await decodeAudio(streamedWav(wav), { name: `${id}: ${text}` });
        const samples = resample(audio.channels[0]!, audio.sampleRate, sampleRate);
        const span = activeSpan(samples, sampleRate, 40);
        if (!span) throw new UnreadableClip(`${id}: ${text}`, "espeak-ng says nothing");
        return { samples: samples.slice(span.start, span.end), manner: { rate: 1, pitch: 0, energy: 0 }, rate };
      },
    };
  }
}

/** espeak-ng writes to a pipe, where it cannot go back and fill in the length. */
function streamedWav(wav: Buffer): Uint8Array {
  const out = new Uint8Array(wav);
  const at = wav.indexOf("data", 12, "latin1") + 4;
  if (at < 4) throw new TrainingError("espeak-ng: its output is no WAV file; expected speech; try it by hand");
  const view = new DataView(out.buffer);
  view.setUint32(4, out.length - 8, true);
  view.setUint32(at, out.length - at - 4, true);
  return out;
}

/** Variants f1 … f5 are women's voices, m1 … m8 and the plain voices men's; others say nothing of who speaks. */
export function espeakVoice(id: string): Voice {
  const [language = "", variant] = id.split("+");
  const gender: Gender | null =
    variant === undefined || /^m\d$/.test(variant) ? "Male" : /^f\d$/.test(variant) ? "Female" : null;
  return {
    speaker: id,
    gender,
    age: "Adult",
    accent: accentOf(language.replace(/^(\w+)-(\w+).*$/, (_, l: string, r: string) => `${l}-${r.toUpperCase()}`)),
    emotion: null,
    timbre: "robotic",
    language,
  };
}
