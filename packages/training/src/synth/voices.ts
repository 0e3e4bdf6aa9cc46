/** Who speaks, in the words of a SAP answer: ages, genders, emotions and accents as data sets write them. */
import { EMOTION_SYNONYMS, EMOTIONS, type Emotion, emotionOf, type SapAnswer } from "@uat/evaluation";
import { TrainingError } from "../errors.ts";

export type Age = NonNullable<SapAnswer["paralinguistics"]["age"]>;
export type Gender = NonNullable<SapAnswer["paralinguistics"]["gender"]>;

/** What is known of a voice and of the way one utterance is meant; null is unknown. */
export interface Voice {
  /** Told apart by this name, e.g. for holding speakers out. */
  readonly speaker: string | null;
  readonly gender: Gender | null;
  readonly age: Age | null;
  readonly accent: string | null;
  readonly emotion: Emotion | null;
  readonly timbre: string | null;
  /** BCP 47, e.g. en-US. */
  readonly language: string | null;
}

const AGES: Readonly<Record<string, Age>> = {
  child: "Child",
  kid: "Child",
  boy: "Child",
  girl: "Child",
  adult: "Adult",
  teens: "Adult",
  young: "Adult",
  "young adult": "Adult",
  twenties: "Adult",
  thirties: "Adult",
  fourties: "Adult",
  forties: "Adult",
  fifties: "Adult",
  "middle-aged": "Adult",
  elderly: "Elderly",
  senior: "Elderly",
  old: "Elderly",
  sixties: "Elderly",
  seventies: "Elderly",
  eighties: "Elderly",
  nineties: "Elderly",
};

/** Years from which a speaker counts as grown up, and as elderly. */
const ADULT_YEARS = 14;
const ELDERLY_YEARS = 60;

const GENDERS: Readonly<Record<string, Gender>> = {
  f: "Female",
  female: "Female",
  woman: "Female",
  girl: "Female",
  female_feminine: "Female",
  m: "Male",
  male: "Male",
  man: "Male",
  boy: "Male",
  male_masculine: "Male",
};

const EMOTION_ADJECTIVES: Readonly<Record<string, Emotion>> = {
  angry: "Anger",
  disgusted: "Disgust",
  fearful: "Fear",
  afraid: "Fear",
  happy: "Happiness",
  joy: "Happiness",
  calm: "Neutral",
  sad: "Sadness",
  surprised: "Surprise",
};

const isEmpty = (text: string | undefined): text is undefined | "" => text === undefined || text.trim() === "";

/** An age in words or years; `where` names the place for the message. @throws TrainingError for anything else. */
export function readAge(text: string | undefined, where: string): Age | null {
  if (isEmpty(text)) return null;
  const word = text.trim().toLowerCase();
  const years = /^\d{1,3}$/.test(word) ? Number(word) : undefined;
  if (years !== undefined) return years < ADULT_YEARS ? "Child" : years < ELDERLY_YEARS ? "Adult" : "Elderly";
  const age = AGES[word];
  if (!age) throw new TrainingError(`${where}: age "${text}"; expected Child, Adult, Elderly or years; leave it empty`);
  return age;
}

/** A gender in one of its usual spellings. @throws TrainingError for anything else. */
export function readGender(text: string | undefined, where: string): Gender | null {
  if (isEmpty(text)) return null;
  const gender = GENDERS[text.trim().toLowerCase()];
  if (!gender)
    throw new TrainingError(`${where}: gender "${text}"; expected Female or Male; leave it empty if neither`);
  return gender;
}

/** One of the seven emotions or a known synonym. @throws TrainingError for anything else: a guess would be a false label. */
export function readEmotion(text: string | undefined, where: string): Emotion | null {
  if (isEmpty(text)) return null;
  const word = text.trim().toLowerCase();
  const named = [...EMOTIONS, ...EMOTION_SYNONYMS.keys()].find((name) => name.toLowerCase() === word);
  const known = EMOTION_ADJECTIVES[word] ?? (named === undefined ? undefined : emotionOf(named));
  if (!known)
    throw new TrainingError(`${where}: emotion "${text}"; expected one of ${EMOTIONS.join(", ")}; leave it empty`);
  return known;
}

const languageNames = new Intl.DisplayNames("en", { type: "language", languageDisplay: "dialect" });

/** The accent of a native speaker of a language: en-GB → "British English", de-DE → "German"; null for no language. */
export function accentOf(language: string | null): string | null {
  if (!language) return null;
  try {
    // "German (Germany)": the country says nothing more
    return languageNames.of(language.replace("_", "-"))?.replace(/ \(.*\)$/, "") ?? null;
  } catch {
    return null;
  }
}
