/** One answer about a long clip from those about its pieces. */
import type { SapAnswer, SapEvent } from "./sap-answer.ts";

/** The answer about a clip in which nothing is heard. */
const SILENCE: SapAnswer = {
  transcription: null,
  paralinguistics: { age: null, gender: null, emotion: null, accent: null, prosody: null, timbre: null },
  nonLinguisticEvents: { description: null, discreteEvents: [], continuousEvents: [] },
};

/** The value of most pieces that have one, the earliest of equally many; null when none has. */
export function mostFrequent<T>(values: readonly (T | null)[]): T | null {
  const counts = new Map<T, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  let best: T | null = null;
  for (const [value, count] of counts) if (best === null || count > (counts.get(best) as number)) best = value;
  return best;
}

const joined = (texts: readonly (string | null)[]): string | null => {
  const said = texts.filter((text) => text !== null && text.trim() !== "") as string[];
  return said.length > 0 ? said.map((text) => text.trim()).join(" ") : (texts.find((text) => text !== null) ?? null);
};

/**
 * Transcriptions and descriptions one after the other; of the speaker, what most pieces say; continuous events once a
 * label, discrete ones all.
 * @param answers of the pieces in order; one is returned as it is.
 */
export function joinAnswers(answers: readonly SapAnswer[]): SapAnswer {
  if (answers.length <= 1) return answers[0] ?? SILENCE;
  const speakers = answers.map((answer) => answer.paralinguistics);
  const sounds = answers.map((answer) => answer.nonLinguisticEvents);
  const labels = new Map<string, SapEvent>();
  for (const event of sounds.flatMap((sound) => sound.continuousEvents))
    if (!labels.has(event.label)) labels.set(event.label, event);
  return {
    transcription: joined(answers.map((answer) => answer.transcription)),
    paralinguistics: {
      age: mostFrequent(speakers.map((s) => s.age)),
      gender: mostFrequent(speakers.map((s) => s.gender)),
      emotion: mostFrequent(speakers.map((s) => s.emotion)),
      accent: mostFrequent(speakers.map((s) => s.accent)),
      prosody: mostFrequent(speakers.map((s) => s.prosody)),
      timbre: mostFrequent(speakers.map((s) => s.timbre)),
    },
    nonLinguisticEvents: {
      description: joined(sounds.map((s) => s.description)),
      discreteEvents: sounds.flatMap((s) => s.discreteEvents),
      continuousEvents: [...labels.values()],
    },
  };
}
