/**
 * Kokoro-82M, a small text-to-speech network (hexgrad, Apache-2.0), through ONNX Runtime. Files: the network (inputs
 * `tokens` int64 [1, n + 2] with 0 at both ends, `style` float32 [1, 256], `speed` float32 [1]; output `audio` at
 * 24 kHz), a folder of voices (510 × 256 float32; row n is for n symbols), the table of symbols.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { resample } from "@uat/audio";
import type { InferenceSession } from "onnxruntime-common";
import { TrainingError } from "../../errors.ts";
import { activeSpan } from "../levels.ts";
import { accentOf, type Gender, type Voice } from "../voices.ts";
import type { Espeak } from "./espeak.ts";
import { kokoroPhonemes } from "./kokoro-phonemes.ts";
import { type SpeechItem, type SpeechSource, UnreadableClip } from "./source.ts";

const RATE = 24000;
const STYLE = 256;
const STYLES = 510;

/** Languages by the first letter of a voice's name, with espeak-ng's name of each. */
const LANGUAGES: Readonly<Record<string, { language: string; espeak: string }>> = {
  a: { language: "en-US", espeak: "en-us" },
  b: { language: "en-GB", espeak: "en-gb" },
  e: { language: "es", espeak: "es" },
  f: { language: "fr-FR", espeak: "fr-fr" },
  h: { language: "hi", espeak: "hi" },
  i: { language: "it", espeak: "it" },
  p: { language: "pt-BR", espeak: "pt-br" },
};
const GENDERS: Readonly<Record<string, Gender>> = { f: "Female", m: "Male" };

/** Names of the voices in a folder whose language starts with `language`. @throws TrainingError where there are none. */
export async function kokoroVoices(folder: string, language: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => {
    throw new TrainingError(`${folder}: no such folder; expected the voices of Kokoro, NAME.bin each`);
  });
  const found = names
    .filter((n) => n.endsWith(".bin"))
    .map((n) => n.slice(0, -4))
    .filter((n) => LANGUAGES[n[0] ?? ""]?.language.toLowerCase().startsWith(language.toLowerCase()))
    .sort();
  if (found.length === 0)
    throw new TrainingError(
      `${folder}: no voice of Kokoro speaks ${language}; expected NAME.bin of ${Object.values(LANGUAGES)
        .map((l) => l.language)
        .join(", ")}; change language:`,
    );
  return found;
}

/** Who a voice is, from its name: `bm_george` is a British man. @throws TrainingError for other names. */
export function kokoroVoice(id: string): Voice {
  const language = LANGUAGES[id[0] ?? ""]?.language;
  const gender = GENDERS[id[1] ?? ""];
  if (!language || !gender || id[2] !== "_")
    throw new TrainingError(
      `${id}: not a voice that can be used here; expected e.g. af_heart: language (${Object.keys(LANGUAGES).join(", ")}), f or m, _, a name`,
    );
  return {
    speaker: id,
    gender,
    age: "Adult",
    accent: accentOf(language),
    emotion: null,
    timbre: null,
    language,
  };
}

export interface KokoroFiles {
  readonly model: string;
  readonly voices: string;
  readonly vocabulary: string;
}

/** The network and its tables. */
export class Kokoro {
  readonly #session: InferenceSession;
  readonly #ort: typeof import("onnxruntime-common");
  readonly #symbols: ReadonlyMap<string, number>;
  readonly #folder: string;
  readonly #styles = new Map<string, Promise<Float32Array>>();

  private constructor(
    session: InferenceSession,
    ort: typeof import("onnxruntime-common"),
    symbols: ReadonlyMap<string, number>,
    folder: string,
  ) {
    this.#session = session;
    this.#ort = ort;
    this.#symbols = symbols;
    this.#folder = folder;
  }

  /** @throws TrainingError for files that are missing or not Kokoro's, or where ONNX Runtime does not load. */
  static async open({ model, voices, vocabulary }: KokoroFiles, threads: number | undefined): Promise<Kokoro> {
    const symbols = await readSymbols(vocabulary);
    const ort = await import("onnxruntime-node").catch((error: Error) => {
      throw new TrainingError(`Kokoro needs onnxruntime-node, which does not load here (${error.message}); install it`);
    });
    const options = { logSeverityLevel: 3, ...(threads === undefined ? {} : { intraOpNumThreads: threads }) } as const;
    const session = await ort.InferenceSession.create(model, options).catch((error: Error) => {
      throw new TrainingError(`${model}: cannot be loaded as an ONNX model (${error.message}); expected Kokoro's`);
    });
    const missing = ["tokens", "style", "speed"].filter((name) => !session.inputNames.includes(name));
    if (missing.length > 0 || !session.outputNames.includes("audio"))
      throw new TrainingError(
        `${model}: has inputs ${session.inputNames.join(", ")} and outputs ${session.outputNames.join(", ")}; expected tokens, style, speed and audio`,
      );
    return new Kokoro(session, ort as unknown as typeof import("onnxruntime-common"), symbols, voices);
  }

  /**
   * Speech at 24 kHz from symbols, by a voice or by the mean of several, `af_heart+bf_emma`; symbols unknown to the network
   * are left out. @throws UnreadableClip when there are too many.
   */
  async speak(phonemes: string, voice: string, speed: number): Promise<Float32Array> {
    const ids = [...phonemes].flatMap((symbol) => this.#symbols.get(symbol) ?? []);
    if (ids.length === 0 || ids.length >= STYLES)
      throw new UnreadableClip(
        `${voice}: ${phonemes.slice(0, 40)}`,
        `a text of ${ids.length} phonemes; expected 1 to ${STYLES - 1}; shorten it`,
      );
    const styles = await this.#stylesOf(voice);
    const { Tensor } = this.#ort;
    const { audio } = await this.#session.run({
      tokens: new Tensor("int64", BigInt64Array.from([0, ...ids, 0], BigInt), [1, ids.length + 2]),
      style: new Tensor("float32", styles.slice(STYLE * ids.length, STYLE * (ids.length + 1)), [1, STYLE]),
      speed: new Tensor("float32", Float32Array.of(speed), [1]),
    });
    return Float32Array.from(audio!.data as Float32Array);
  }

  async close(): Promise<void> {
    await this.#session.release();
  }

  #stylesOf(voice: string): Promise<Float32Array> {
    const known = this.#styles.get(voice) ?? this.#blend(voice.split("+"));
    this.#styles.set(voice, known);
    return known;
  }

  async #blend(names: readonly string[]): Promise<Float32Array> {
    const styles = await Promise.all(names.map((name) => readStyles(join(this.#folder, `${name}.bin`))));
    return (styles[0] as Float32Array).map((_, i) => styles.reduce((sum, s) => sum + s[i]!, 0) / styles.length);
  }
}

async function readSymbols(path: string): Promise<ReadonlyMap<string, number>> {
  try {
    const parsed = JSON.parse(await readFile(path, "utf8")) as { vocab?: Record<string, number> };
    const table = Object.entries(parsed.vocab ?? parsed).filter(([, id]) => Number.isInteger(id));
    if (table.length > 50) return new Map(table as [string, number][]);
  } catch (error) {
    throw new TrainingError(
      `${path}: cannot be read (${(error as Error).message}); expected Kokoro's table of symbols`,
    );
  }
  throw new TrainingError(`${path}: holds no table of symbols; expected { "vocab": { symbol: number, … } }`);
}

async function readStyles(path: string): Promise<Float32Array> {
  const bytes = await readFile(path).catch((error: Error) => {
    throw new TrainingError(`${path}: cannot be read (${error.message}); expected a voice of Kokoro`);
  });
  if (bytes.length !== 4 * STYLE * STYLES)
    throw new TrainingError(`${path}: ${bytes.length} bytes; expected ${4 * STYLE * STYLES}, 510 × 256 float32`);
  return new Float32Array(new Uint8Array(bytes).buffer);
}

export interface KokoroSpeechOptions {
  readonly name: string;
  readonly kokoro: Kokoro;
  readonly espeak: Espeak;
  readonly voices: readonly string[];
  readonly texts: readonly string[];
  readonly licence: string;
  readonly sampleRate: number;
}

/** Every text by every voice. */
export class KokoroSpeech implements SpeechSource {
  readonly name: string;
  readonly size: number;
  readonly #options: KokoroSpeechOptions;
  readonly #voices: readonly Voice[];

  constructor(options: KokoroSpeechOptions) {
    this.name = options.name;
    this.size = options.voices.length * options.texts.length;
    this.#options = options;
    this.#voices = options.voices.map(kokoroVoice);
  }

  item(index: number): SpeechItem {
    const { name, kokoro, espeak, texts, voices, licence, sampleRate } = this.#options;
    const id = voices[index % voices.length]!;
    const text = texts[Math.floor(index / voices.length)]!;
    return {
      origin: { source: name, clip: id, licence, author: "hexgrad" },
      text,
      voice: this.#voices[index % voices.length]!,
      async speak({ rate }) {
        const phonemes = await kokoroPhonemes(text, LANGUAGES[id[0]!]!.espeak, espeak);
        const samples = resample(await kokoro.speak(phonemes, id, rate), RATE, sampleRate);
        const span = activeSpan(samples, sampleRate, 40);
        if (!span) throw new UnreadableClip(`${id}: ${text}`, "Kokoro says nothing");
        return { samples: samples.slice(span.start, span.end), manner: { rate: 1, pitch: 0, energy: 0 }, rate };
      },
    };
  }

  close(): Promise<void> {
    return this.#options.kokoro.close();
  }
}
