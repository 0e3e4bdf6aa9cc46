/** How something is said: pace, pitch and energy, measured, compared with how the voice usually speaks, put into words. */
import { trackPitch } from "@uat/audio";
import { activeSpan, activeSpans, level, toDecibels } from "./levels.ts";

/** Absolute measures of one utterance. */
export interface SpeechMeasures {
  /** Syllables (of the text) a second of sound, pauses not counted; undefined without a text. */
  readonly syllableRate: number | undefined;
  /** Median fundamental frequency in Hz; undefined where no voice is found. */
  readonly pitch: number | undefined;
  /** Level over the utterance in dBFS. */
  readonly level: number;
}

/** An utterance beside how its voice usually speaks. Undefined is unknown. */
export interface Manner {
  /** 1 is usual, 1.2 a fifth faster. */
  readonly rate: number | undefined;
  /** Semitones above usual. */
  readonly pitch: number | undefined;
  /** Decibels above usual. */
  readonly energy: number | undefined;
}

/** From where on a manner is remarked on. Between the limits it is usual. */
export const MANNER_LIMITS = { slow: 0.83, fast: 1.2, low: -1.5, high: 1.5, soft: -5, loud: 4 } as const;

const HOP_SECONDS = 0.01;
/** Fewer voiced frames than this say nothing about a voice. */
const FEWEST_VOICED = 15;

/** @param text what is said, in `language` (BCP 47). */
export function measureSpeech(
  samples: Float32Array,
  sampleRate: number,
  text: string | undefined,
  language?: string | null,
): SpeechMeasures {
  const whole = activeSpan(samples, sampleRate) ?? { start: 0, end: samples.length };
  const syllables = text === undefined ? 0 : countSyllables(text, language);
  const sounding = activeSpans(samples, sampleRate, { join: 0.15 }).reduce((sum, s) => sum + s.end - s.start, 0);
  return {
    syllableRate: syllables > 0 && sounding > 0 ? (syllables * sampleRate) / sounding : undefined,
    pitch: medianPitch(samples.subarray(whole.start, whole.end), sampleRate),
    level: toDecibels(Math.max(level(samples, [whole]), 1e-9)),
  };
}

/** Median of the voiced frames, Hz. */
export function medianPitch(samples: Float32Array, sampleRate: number): number | undefined {
  const f0 = trackPitch(samples, { sampleRate, hop: Math.round(HOP_SECONDS * sampleRate), minHz: 65, maxHz: 500 });
  const voiced = f0.filter((hz) => hz > 0).sort();
  return voiced.length < FEWEST_VOICED ? undefined : voiced[voiced.length >> 1];
}

/**
 * Syllables of a text, roughly: groups of vowels, less the silent e at the end of English words; one for each
 * character of Chinese, Japanese or Korean.
 */
export function countSyllables(text: string, language?: string | null): number {
  const ideographs = text.match(/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/gu);
  let count = ideographs?.length ?? 0;
  for (const word of text
    .toLowerCase()
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .match(/[\p{L}']+/gu) ?? []) {
    const groups = word.match(/[aeiouyœæøаеёиоуыэюяαεηιουωаіїє]+/gu)?.length ?? 0;
    const silent = groups > 1 && language?.startsWith("en") && /[^aeiouyl]e$/.test(word) ? 1 : 0;
    if (groups > 0) count += groups - silent;
  }
  return count;
}

/** Medians of several utterances of one voice. */
export function usualManner(utterances: readonly SpeechMeasures[]): SpeechMeasures {
  const middle = (values: (number | undefined)[]) => {
    const known = values.filter((v) => v !== undefined).sort((a, b) => a - b);
    return known.length === 0 ? undefined : known[known.length >> 1];
  };
  return {
    syllableRate: middle(utterances.map((u) => u.syllableRate)),
    pitch: middle(utterances.map((u) => u.pitch)),
    level: middle(utterances.map((u) => u.level)) ?? 0,
  };
}

export function compareManner(one: SpeechMeasures, usual: SpeechMeasures): Manner {
  return {
    rate: one.syllableRate && usual.syllableRate ? one.syllableRate / usual.syllableRate : undefined,
    pitch: one.pitch && usual.pitch ? 12 * Math.log2(one.pitch / usual.pitch) : undefined,
    energy: one.level - usual.level,
  };
}

/**
 * Words for a manner, e.g. "speaks slowly in a low voice"; null where nothing is known. What is usual is named only
 * when nothing stands out: "speaks at a normal pace".
 */
export function mannerWords({ rate, pitch, energy }: Manner): string | null {
  const { slow, fast, low, high, soft, loud } = MANNER_LIMITS;
  const adverbs: string[] = [];
  if (rate !== undefined && rate <= slow) adverbs.push("slowly");
  if (rate !== undefined && rate >= fast) adverbs.push("quickly");
  if (energy !== undefined && energy <= soft) adverbs.push("softly");
  if (energy !== undefined && energy >= loud) adverbs.push("loudly");
  const voice = pitch === undefined ? "" : pitch <= low ? " in a low voice" : pitch >= high ? " in a high voice" : "";
  if (adverbs.length > 0 || voice) return `speaks${adverbs.length > 0 ? ` ${adverbs.join(" and ")}` : ""}${voice}`;
  return rate === undefined ? null : "speaks at a normal pace";
}
