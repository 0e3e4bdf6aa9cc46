/**
 * What a reader may say of a clip, as a flat list of labels: `speech`, `gender: Female`, `discrete: dog bark` and the
 * like. Training turns answers into labels, reading turns labels into answers.
 */
import type { SapAnswer, SapEvent, SapSpeaker } from "./sap-answer.ts";

/** Somebody speaks. */
export const SPEECH = "speech";

const SPEAKER = ["age", "gender", "emotion", "accent", "prosody", "timbre"] as const;
const EVENTS = { discrete: "discreteEvents", continuous: "continuousEvents" } as const;

/** Fields that labels begin with. */
const FIELDS: readonly string[] = [...SPEAKER, ...Object.keys(EVENTS)];

/** One value of a field. */
export const readerLabel = (field: string, value: string): string => `${field}: ${value}`;

/** The labels of an answer. How a sound goes on and the description are not among them. */
export function readerLabels(answer: SapAnswer): string[] {
  const { transcription, paralinguistics, nonLinguisticEvents } = answer;
  const labels = new Set<string>();
  if (transcription !== null && transcription.trim() !== "") labels.add(SPEECH);
  for (const field of SPEAKER) {
    const value = paralinguistics[field];
    if (value !== null) labels.add(readerLabel(field, value));
  }
  for (const [field, key] of Object.entries(EVENTS))
    for (const { label } of nonLinguisticEvents[key]) labels.add(readerLabel(field, label));
  return [...labels];
}

/** Whether a label is one that answers are made of. */
export const isReaderLabel = (label: string): boolean =>
  label === SPEECH || FIELDS.some((field) => label.startsWith(`${field}: `) && label.length > field.length + 2);

/**
 * What speech is written with when it is read from codes: lower case, letters, digits and apostrophes, single blanks.
 * Case and punctuation are not heard, and would have to be learned from more text than there is.
 */
export const readerText = (text: string): string =>
  text
    .normalize("NFC")
    .toLowerCase()
    .replace(/[’‘]/g, "'")
    .replace(/[^\p{L}\p{M}\p{N}']+/gu, " ")
    .trim();

/** What a network says of the labels. */
export interface LabelLogits {
  /** Of the whole clip [labels]. */
  readonly clip: Float32Array;
  /** Of each token [tokens, labels]. */
  readonly tokens: Float32Array;
  /** Tokens a second. */
  readonly frameRate: number;
}

/** The values of one field, with their places among the labels. */
interface Choice {
  readonly value: string;
  readonly index: number;
}

/** Reads answers off logits. */
export class LabelReader {
  readonly #count: number;
  readonly #speech: number;
  readonly #fields: ReadonlyMap<string, readonly Choice[]>;
  readonly #eventThreshold: number;

  /** @param eventThreshold logit above which a sound is named. */
  constructor(labels: readonly string[], eventThreshold = 0) {
    this.#eventThreshold = eventThreshold;
    const fields = new Map<string, Choice[]>();
    for (const [index, label] of labels.entries()) {
      const at = label.indexOf(": ");
      if (at < 0) continue;
      const field = label.slice(0, at);
      const choices = fields.get(field) ?? [];
      choices.push({ value: label.slice(at + 2), index });
      fields.set(field, choices);
    }
    this.#count = labels.length;
    this.#speech = labels.indexOf(SPEECH);
    this.#fields = fields;
  }

  /**
   * Of the speaker the likeliest value of each field, where somebody speaks; of sounds all whose logit is above
   * the threshold.
   * @param transcription what was read of the same tokens; "" counts as no speech.
   */
  answer(transcription: string, logits: LabelLogits): SapAnswer {
    const speaks = transcription !== "" && (this.#speech < 0 || logits.clip[this.#speech]! > 0);
    const likeliest = (field: string): string | null => {
      let best: Choice | undefined;
      for (const choice of this.#fields.get(field) ?? [])
        if (!best || logits.clip[choice.index]! > logits.clip[best.index]!) best = choice;
      return speaks && best ? best.value : null;
    };
    const speaker = Object.fromEntries(SPEAKER.map((field) => [field, likeliest(field)]));
    const [discrete, continuous] = [this.#events("discrete", logits), this.#events("continuous", logits)];
    return {
      transcription: speaks ? transcription : null,
      paralinguistics: speaker as unknown as SapSpeaker,
      nonLinguisticEvents: {
        description: sentence(continuous, discrete),
        discreteEvents: discrete,
        continuousEvents: continuous,
      },
    };
  }

  /** Likeliest first. */
  #events(field: keyof typeof EVENTS, logits: LabelLogits): SapEvent[] {
    return (this.#fields.get(field) ?? [])
      .filter(({ index }) => logits.clip[index]! > this.#eventThreshold)
      .sort((a, b) => logits.clip[b.index]! - logits.clip[a.index]!)
      .map(({ value, index }) => ({ label: value, characteristic: this.#when(index, logits) }));
  }

  /** When a sound is heard: "throughout", or its seconds. */
  #when(index: number, { tokens, frameRate }: LabelLogits): string {
    const count = tokens.length / this.#count;
    let [first, last, heard] = [count, -1, 0];
    for (let t = 0; t < count; t++) {
      if (tokens[t * this.#count + index]! <= this.#eventThreshold) continue;
      first = Math.min(first, t);
      last = t;
      heard++;
    }
    if (heard === 0) return "";
    if (heard >= THROUGHOUT * count) return "throughout";
    const second = (token: number) => (token / frameRate).toFixed(1);
    return `from ${second(first)} to ${second(last + 1)} s`;
  }
}

/** Share of a clip's tokens in which a sound is heard that counts as heard throughout. */
const THROUGHOUT = 0.8;

/** The scene in a sentence; null where there is no sound. */
function sentence(continuous: readonly SapEvent[], discrete: readonly SapEvent[]): string | null {
  const list = (events: readonly SapEvent[]) => new Intl.ListFormat("en").format(events.map(({ label }) => label));
  if (continuous.length === 0 && discrete.length === 0) return null;
  if (continuous.length === 0) return `Sounds of ${list(discrete)} can be heard.`;
  if (discrete.length === 0) return `Sounds of ${list(continuous)} can be heard in the background.`;
  return `Sounds of ${list(discrete)} can be heard, with ${list(continuous)} in the background.`;
}
