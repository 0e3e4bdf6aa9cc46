/** Answers about a clip ("SAP": speech, its speaker, events), as this project's models write them. */
import type { Emotion } from "./emotions.ts";

/** A sound that is heard. */
export interface SapEvent {
  /** What sounds, e.g. `dog bark`. */
  readonly label: string;
  /** How it sounds; may be empty. */
  readonly characteristic: string;
}

/** What is known of a speaker. */
export interface SapSpeaker {
  /** null where nobody speaks, here and below. */
  readonly age: "Child" | "Adult" | "Elderly" | null;
  /** As it sounds. */
  readonly gender: "Female" | "Male" | null;
  /** One of seven. */
  readonly emotion: Emotion | null;
  /** In words. */
  readonly accent: string | null;
  /** In words: pace, melody, loudness. */
  readonly prosody: string | null;
  /** In words. */
  readonly timbre: string | null;
}

/** What is heard besides speech. */
export interface SapSounds {
  /** The scene in a sentence; null where there is none. */
  readonly description: string | null;
  /** Sounds that begin and end. */
  readonly discreteEvents: readonly SapEvent[];
  /** Sounds that go on, such as rain. */
  readonly continuousEvents: readonly SapEvent[];
}

/** What is heard in a clip: speech, its speaker, other sounds. */
export interface SapAnswer {
  /** What is said; null where nobody speaks. */
  readonly transcription: string | null;
  /** Who says it, and how. */
  readonly paralinguistics: SapSpeaker;
  /** All else. */
  readonly nonLinguisticEvents: SapSounds;
}

/** The values of `age`. */
export const SAP_AGES = ["Child", "Adult", "Elderly"] as const;
/** The values of `gender`. */
export const SAP_GENDERS = ["Female", "Male"] as const;

/**
 * The one way an answer is written, which models learn: JSON without blanks, keys in the order of {@link SapAnswer},
 * characters as themselves. parseSap of `@uat/evaluation` reads what other models write.
 */
export function formatSap({ transcription, paralinguistics, nonLinguisticEvents }: SapAnswer): string {
  const { age, gender, emotion, accent, prosody, timbre } = paralinguistics;
  const { description, discreteEvents, continuousEvents } = nonLinguisticEvents;
  const events = (list: readonly SapEvent[]) => list.map(({ label, characteristic }) => ({ label, characteristic }));
  return JSON.stringify({
    transcription,
    paralinguistics: { age, gender, emotion, accent, prosody, timbre },
    nonLinguisticEvents: {
      description,
      discreteEvents: events(discreteEvents),
      continuousEvents: events(continuousEvents),
    },
  });
}
