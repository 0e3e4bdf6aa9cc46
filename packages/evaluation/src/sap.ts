/**
 * Answers about a clip as a model writes them ("SAP": speech, its speaker, events): JSON in a fixed form, read, checked
 * and scored by upstream's rules.
 */
import { emotionOf, SAP_AGES, SAP_GENDERS, type SapAnswer, type SapEvent } from "universal-audio-tokenizer/internal";
import { type PythonJson, parsePythonJson } from "./python-json.ts";
import { strip } from "./python-text.ts";
import { wordErrors } from "./wer.ts";

/**
 * Reads an answer. Text before a "```json" fence and after the next "```" is dropped; the rest must be JSON (as Python
 * reads it) with exactly the keys of {@link SapAnswer}. Emotions outside the seven are mapped, never refused.
 * @param answer what a model wrote; anything but a string is no answer.
 * @returns undefined when the answer is not valid.
 */
export function parseSap(answer: unknown): SapAnswer | undefined {
  if (typeof answer !== "string") return undefined;
  let text = strip(answer);
  const opening = text.indexOf("```json");
  if (opening >= 0) text = text.slice(opening + 7);
  const closing = text.indexOf("```");
  if (closing >= 0) text = text.slice(0, closing);
  try {
    return checked(parsePythonJson(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof Invalid) return undefined;
    throw error;
  }
}

class Invalid extends Error {}

/** The values of an object that has exactly these keys. */
function fields<K extends string>(value: PythonJson, ...keys: K[]): Record<K, PythonJson> {
  if (!(value instanceof Map) || value.size !== keys.length || !keys.every((key) => value.has(key)))
    throw new Invalid();
  return Object.fromEntries(value) as Record<K, PythonJson>;
}

function textOrNull(value: PythonJson): string | null {
  if (value !== null && typeof value !== "string") throw new Invalid();
  return value;
}

function oneOf<T extends string>(value: PythonJson, allowed: readonly T[]): T | null {
  if (value !== null && !(allowed as readonly PythonJson[]).includes(value)) throw new Invalid();
  return value as T | null;
}

function events(value: PythonJson): SapEvent[] {
  if (!Array.isArray(value)) throw new Invalid();
  return value.map((item) => {
    const { label, characteristic } = fields(item, "label", "characteristic");
    if (typeof label !== "string" || typeof characteristic !== "string") throw new Invalid();
    return { label, characteristic };
  });
}

function checked(json: PythonJson): SapAnswer {
  const top = fields(json, "transcription", "paralinguistics", "nonLinguisticEvents");
  const speaker = fields(top.paralinguistics, "age", "gender", "emotion", "accent", "prosody", "timbre");
  const sounds = fields(top.nonLinguisticEvents, "description", "discreteEvents", "continuousEvents");
  const emotion = textOrNull(speaker.emotion);
  return {
    transcription: textOrNull(top.transcription),
    paralinguistics: {
      age: oneOf(speaker.age, SAP_AGES),
      gender: oneOf(speaker.gender, SAP_GENDERS),
      emotion: emotion === null ? null : emotionOf(emotion),
      accent: textOrNull(speaker.accent),
      prosody: textOrNull(speaker.prosody),
      timbre: textOrNull(speaker.timbre),
    },
    nonLinguisticEvents: {
      description: textOrNull(sounds.description),
      discreteEvents: events(sounds.discreteEvents),
      continuousEvents: events(sounds.continuousEvents),
    },
  };
}

export interface SapScore {
  /** Whether the prediction is a valid answer. */
  readonly predictionValid: boolean;
  /** The rest is there when prediction and label are both valid. */
  readonly matches?: { readonly age: boolean; readonly gender: boolean; readonly emotion: boolean };
  /** Word errors of the transcription (upstream's tokens); there when both have one. */
  readonly words?: {
    readonly reference: number;
    readonly substitutions: number;
    readonly deletions: number;
    readonly insertions: number;
  };
}

/** Equal after trimming and lower-casing and not empty, or both null. */
function sameValue(a: string | null, b: string | null): boolean {
  if (a === null || b === null) return a === b;
  const [x, y] = [strip(a).toLowerCase(), strip(b).toLowerCase()];
  return x !== "" && x === y;
}

/** Scores a model's answer against the label's text; both are read by {@link parseSap}. */
export function scoreSap(prediction: unknown, label: unknown): SapScore {
  const [p, l] = [parseSap(prediction), parseSap(label)];
  if (!p || !l) return { predictionValid: p !== undefined };
  const [a, b] = [p.paralinguistics, l.paralinguistics];
  const score: SapScore = {
    predictionValid: true,
    matches: {
      age: sameValue(a.age, b.age),
      gender: sameValue(a.gender, b.gender),
      emotion: sameValue(a.emotion, b.emotion),
    },
  };
  if (p.transcription === null || l.transcription === null) return score;
  const { reference, substitutions, deletions, insertions } = wordErrors(l.transcription, p.transcription);
  return { ...score, words: { reference, substitutions, deletions, insertions } };
}

export interface SapSummary {
  readonly answers: number;
  /** Valid answers / answers. */
  readonly validRate: number;
  /** Word error rate over all pairs with both transcriptions, a fraction; undefined without such pairs. */
  readonly wer: number | undefined;
  /** Matches / pairs where both are valid; undefined without such pairs. */
  readonly age: number | undefined;
  readonly gender: number | undefined;
  readonly emotion: number | undefined;
}

/** Rates over many answers. Pairs whose label has no words are left out of the word error rate. */
export function summarizeSap(scores: readonly SapScore[]): SapSummary {
  const matched = scores.flatMap((s) => s.matches ?? []);
  const words = scores.flatMap((s) => (s.words && s.words.reference > 0 ? s.words : []));
  const errors = words.reduce((n, w) => n + w.substitutions + w.deletions + w.insertions, 0);
  const share = (hits: number, of: number) => (of === 0 ? undefined : hits / of);
  return {
    answers: scores.length,
    validRate: share(scores.filter((s) => s.predictionValid).length, scores.length) ?? 0,
    wer: share(
      errors,
      words.reduce((n, w) => n + w.reference, 0),
    ),
    age: share(matched.filter((m) => m.age).length, matched.length),
    gender: share(matched.filter((m) => m.gender).length, matched.length),
    emotion: share(matched.filter((m) => m.emotion).length, matched.length),
  };
}
