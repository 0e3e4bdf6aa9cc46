/** Answers about a clip ("SAP": speech, its speaker, events), as this project's models write them. */
import type { Emotion } from "./emotions.ts";

export interface SapEvent {
  readonly label: string;
  readonly characteristic: string;
}

export interface SapAnswer {
  readonly transcription: string | null;
  readonly paralinguistics: {
    readonly age: (typeof SAP_AGES)[number] | null;
    readonly gender: (typeof SAP_GENDERS)[number] | null;
    readonly emotion: Emotion | null;
    readonly accent: string | null;
    readonly prosody: string | null;
    readonly timbre: string | null;
  };
  readonly nonLinguisticEvents: {
    readonly description: string | null;
    readonly discreteEvents: readonly SapEvent[];
    readonly continuousEvents: readonly SapEvent[];
  };
}

export const SAP_AGES = ["Child", "Adult", "Elderly"] as const;
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
