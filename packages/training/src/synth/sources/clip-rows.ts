/** A clip's labels as a table row has them, wherever the table is, turned into items of a scene. */
import { TrainingError } from "../../errors.ts";
import { activeSpan } from "../levels.ts";
import { compareManner, type Manner, measureSpeech, type SpeechMeasures, usualManner } from "../prosody.ts";
import { unitHash } from "../scene-random.ts";
import { accentOf, readAge, readEmotion, readGender, type Voice } from "../voices.ts";
import { type Origin, type SoundItem, type SpeechItem, type SpeechSource, UnreadableClip } from "./source.ts";

/** Columns of a table of clips. All but `path` (of folders) may also be given for a whole source. */
export const CLIP_LABELS = [
  "label",
  "phrase",
  "characteristic",
  "text",
  "language",
  "speaker",
  "gender",
  "age",
  "accent",
  "emotion",
  "timbre",
  "licence",
  "author",
  "url",
] as const;
export type ClipLabel = (typeof CLIP_LABELS)[number];
export type ClipLabels = { readonly [K in ClipLabel]?: string | undefined };

/** One clip: what is said of it and how to hear it. */
export interface ClipRow {
  /** Its name within the source. */
  readonly clip: string;
  /** Where its labels stand, for messages. */
  readonly where: string;
  readonly labels: ClipLabels;
  /** Mono samples at the wanted rate. @throws UnreadableClip. */
  read(): Promise<Float32Array>;
}

function originOf(source: string, { clip, where, labels }: ClipRow): Origin {
  if (!labels.licence)
    throw new TrainingError(
      `${where}: no licence for ${clip}; expected a column "licence" or "labels: { licence: … }" of source "${source}"`,
    );
  return { source, clip, licence: labels.licence, author: labels.author, url: labels.url };
}

/** @throws TrainingError for rows without a label. */
export function soundItems(source: string, rows: readonly ClipRow[]): SoundItem[] {
  return rows.map((row) => {
    const { label, phrase, characteristic } = row.labels;
    if (!label)
      throw new TrainingError(
        `${row.where}: no label for ${row.clip}; expected a column "label", or "labels: { label: … }" of source "${source}"`,
      );
    return { origin: originOf(source, row), label, phrase, characteristic, load: () => row.read() };
  });
}

/** Utterances of a speaker that say how the voice usually is. */
const REFERENCES = 12;
/** With fewer, the utterances themselves count as usual. */
const FEWEST_REFERENCES = 3;

/** Recorded sentences as speech. The manner of each is measured against others of its speaker. */
export class ClipSpeech implements SpeechSource {
  readonly name: string;
  readonly size: number;
  readonly #items: readonly SpeechItem[];
  readonly #sampleRate: number;
  readonly #bySpeaker = new Map<string, ClipRow[]>();
  readonly #measures = new Map<ClipRow, SpeechMeasures>();
  readonly #usual = new Map<string, Promise<SpeechMeasures | undefined>>();

  /**
   * @param everything all rows of the source: how a voice usually speaks does not depend on the split.
   * @throws TrainingError for rows without a text or with labels that cannot be read.
   */
  constructor(name: string, rows: readonly ClipRow[], everything: readonly ClipRow[], sampleRate: number) {
    this.name = name;
    this.size = rows.length;
    this.#sampleRate = sampleRate;
    for (const row of everything) {
      if (!row.labels.speaker) continue;
      const others = this.#bySpeaker.get(row.labels.speaker);
      if (others) others.push(row);
      else this.#bySpeaker.set(row.labels.speaker, [row]);
    }
    this.#items = rows.map((row) => {
      if (!row.labels.text)
        throw new TrainingError(
          `${row.where}: no text for ${row.clip}; expected a column "text": speech needs its transcription`,
        );
      return {
        origin: originOf(name, row),
        text: row.labels.text,
        voice: voiceOf(row),
        speak: () => this.#speak(row),
      };
    });
  }

  item(index: number): SpeechItem {
    return this.#items[index]!;
  }

  async #speak(row: ClipRow) {
    const { samples, measures } = await this.#hear(row);
    const usual = await this.#usualOf(row.labels.speaker);
    const unknown: Manner = { rate: 1, pitch: 0, energy: 0 };
    return { samples, manner: usual ? compareManner(measures, usual) : unknown, rate: 1 };
  }

  async #hear(row: ClipRow): Promise<{ samples: Float32Array; measures: SpeechMeasures }> {
    const samples = await row.read();
    const span = activeSpan(samples, this.#sampleRate, 40);
    if (!span) throw new UnreadableClip(row.clip, "is silent");
    const measures =
      this.#measures.get(row) ?? measureSpeech(samples, this.#sampleRate, row.labels.text, row.labels.language);
    this.#measures.set(row, measures);
    return { samples: samples.slice(span.start, span.end), measures };
  }

  #usualOf(speaker: string | undefined): Promise<SpeechMeasures | undefined> {
    if (!speaker) return Promise.resolve(undefined);
    const known = this.#usual.get(speaker) ?? this.#measureUsual(speaker);
    this.#usual.set(speaker, known);
    return known;
  }

  async #measureUsual(speaker: string): Promise<SpeechMeasures | undefined> {
    const order = (row: ClipRow) => unitHash("usual manner", row.clip);
    const rows = [...this.#bySpeaker.get(speaker)!].sort((a, b) => order(a) - order(b));
    const measures: SpeechMeasures[] = [];
    for (const row of rows) {
      if (measures.length === REFERENCES) break;
      try {
        measures.push((await this.#hear(row)).measures);
      } catch (error) {
        // it is counted when a scene asks for it
        if (!(error instanceof UnreadableClip)) throw error;
      }
    }
    return measures.length < FEWEST_REFERENCES ? undefined : usualManner(measures);
  }
}

function voiceOf({ labels, where, clip }: ClipRow): Voice {
  const at = `${where}, ${clip}`;
  const language = labels.language || null;
  return {
    speaker: labels.speaker || null,
    gender: readGender(labels.gender, at),
    age: readAge(labels.age, at),
    accent: labels.accent || accentOf(language),
    emotion: readEmotion(labels.emotion, at),
    timbre: labels.timbre || null,
    language,
  };
}
