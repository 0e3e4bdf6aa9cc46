/** Whether a voice still sounds like a woman's or a man's: by its mean pitch, and by a speaker encoder's vectors. */
import { fitLogistic, logisticProbability } from "./logistic-regression.ts";

export type Gender = "Female" | "Male";

/**
 * Mean f0 in Hz from which a voice counts as female: the upper end of men's usual range, 85 to 155 Hz, women's being 165
 * to 255 (H. Traunmüller and A. Eriksson, "The frequency range of the voice fundamental in the speech of male and female
 * adults", 1995, find means of about 120 and 210).
 */
export const GENDER_THRESHOLD_HZ = 155;

/** By mean f0; undefined without a voiced frame. */
export const genderOfPitch = ({ sum, n }: { readonly sum: number; readonly n: number }): Gender | undefined =>
  n === 0 ? undefined : sum / n >= GENDER_THRESHOLD_HZ ? "Female" : "Male";

/** `female`, `F`, `Frau`, …: what lists call it. Undefined for anything else. */
export function parseGender(text: unknown): Gender | undefined {
  if (typeof text !== "string") return undefined;
  const word = text.trim().toLowerCase();
  return ["female", "f", "woman"].includes(word) ? "Female" : ["male", "m", "man"].includes(word) ? "Male" : undefined;
}

/** A recording whose speaker's gender is known. */
export interface KnownVoice {
  readonly speaker: string;
  readonly gender: Gender;
  /** Speaker vector. */
  readonly original: ArrayLike<number>;
}

/** A voice with its vectors in the original and in the copy. */
export interface VoicePair extends KnownVoice {
  readonly copy: ArrayLike<number>;
}

/**
 * What logistic regression makes of originals and copies, in the order given. It learns from originals only, and never
 * from the speaker that it judges: there is one model for each speaker.
 * @param teachers more voices to learn from. A handful of speakers is too few: ten leave a model that errs on whole
 * speakers even by their originals.
 * @returns undefined unless there are two speakers of each gender.
 */
export function gendersByVoice(
  voices: readonly VoicePair[],
  teachers: readonly KnownVoice[] = [],
): { readonly original: Gender[]; readonly copy: Gender[] } | undefined {
  const known = [...voices, ...teachers];
  const speakersOf = (gender: Gender) => new Set(known.filter((v) => v.gender === gender).map((v) => v.speaker)).size;
  if (speakersOf("Female") < 2 || speakersOf("Male") < 2) return undefined;
  const original = new Array<Gender>(voices.length);
  const copy = new Array<Gender>(voices.length);
  for (const speaker of new Set(voices.map((v) => v.speaker))) {
    const others = known.filter((v) => v.speaker !== speaker);
    const model = fitLogistic(
      others.map((v) => v.original),
      others.map((v) => v.gender === "Female"),
    );
    const judge = (vector: ArrayLike<number>): Gender =>
      logisticProbability(model, vector) >= 0.5 ? "Female" : "Male";
    for (const [i, v] of voices.entries()) {
      if (v.speaker !== speaker) continue;
      original[i] = judge(v.original);
      copy[i] = judge(v.copy);
    }
  }
  return { original, copy };
}
