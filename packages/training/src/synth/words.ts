/** Facts of a scene in words: characteristics of its sounds, the sentences that describe it, its SAP answer. */
import type { SapAnswer, SapEvent } from "@uat/evaluation";
import type { Random } from "../random.ts";
import type { Interval, SceneFacts, SoundFacts, SpeechFacts } from "./facts.ts";
import { pick } from "./scene-random.ts";

/** Ratios in dB at which a sound counts as loud, or as faint. */
export const LOUDNESS_LIMITS = { events: { loud: 0, faint: 11 }, continuous: { loud: 6, faint: 17 } } as const;
/** Shares of the scene within which a continuous sound counts as there from the start, and to the end. */
const THROUGHOUT = 0.15;
/** Seconds by which sound and speech may touch and still be one after the other. */
const TOUCH = 0.05;
/** Reverberation times from which a room is called reverberant. */
const REVERBERANT = 0.5;

const isEvent = (sound: SoundFacts): boolean => sound.role === "events";

export function loudnessOf(sound: SoundFacts): "loud" | "faint" | undefined {
  const { loud, faint } = LOUDNESS_LIMITS[isEvent(sound) ? "events" : "continuous"];
  return sound.snr <= loud ? "loud" : sound.snr >= faint ? "faint" : undefined;
}

const NUMBERS = ["", "once", "twice", "three times", "four times", "five times", "six times", "seven times"];

/** `twice`; undefined where counting would be wrong. */
export const countOf = ({ occurrences, countable }: SoundFacts): string | undefined =>
  countable ? (NUMBERS[occurrences.length] ?? `${occurrences.length} times`) : undefined;

/** When a discrete sound is heard; undefined where no plain words fit. */
export function timeOf({ occurrences }: SoundFacts, scene: SceneFacts): string | undefined {
  const words = scene.speech
    ? relations(occurrences, scene.speech)
    : occurrences.map((o) => third((o.start + o.end) / 2 / scene.duration));
  const distinct = [...new Set(words)];
  if (distinct.includes(undefined)) return undefined;
  if (scene.speech) {
    const order = ["before", "during", "after"].filter((w) => distinct.includes(w));
    return `${enumeration(order)} the speech`;
  }
  return distinct.length === 1 ? distinct[0] : undefined;
}

function relations(occurrences: readonly Interval[], speech: Interval): ("before" | "during" | "after" | undefined)[] {
  return occurrences.map(({ start, end }) => {
    if (end <= speech.start + TOUCH) return "before";
    if (start >= speech.end - TOUCH) return "after";
    const overlap = Math.min(end, speech.end) - Math.max(start, speech.start);
    return overlap >= 0.7 * (end - start) ? "during" : undefined;
  });
}

function third(share: number): string | undefined {
  if (share < 0.33) return "at the beginning";
  if (share > 0.67) return "towards the end";
  return share > 0.4 && share < 0.6 ? "in the middle" : undefined;
}

/** From when to when a continuous sound is heard. */
export function extentOf({ occurrences }: SoundFacts, { duration }: SceneFacts): string {
  const [start, end] = [occurrences[0]!.start / duration, occurrences.at(-1)!.end / duration];
  const late = start > THROUGHOUT;
  const early = end < 1 - THROUGHOUT;
  if (late && early) return "beginning late and ending early";
  return late ? "beginning partway through" : early ? "ending early" : "throughout";
}

/** `loud and near`, `faint`, `far away`; undefined for what nobody would remark on. */
function presence(sound: SoundFacts): string | undefined {
  const loudness = loudnessOf(sound);
  const distance = sound.distance === "far" ? "far away" : sound.distance === "near" ? "near" : undefined;
  return loudness && distance ? `${loudness} and ${distance}` : (loudness ?? distance);
}

/** e.g. `faint and far away, twice, before the speech`. */
export function characteristicOf(sound: SoundFacts, scene: SceneFacts): string {
  const parts = isEvent(sound)
    ? [sound.characteristic, presence(sound), countOf(sound), timeOf(sound, scene)]
    : [sound.characteristic, presence(sound), extentOf(sound, scene)];
  return parts.filter(Boolean).join(", ") || "clear";
}

/** The answer a model should write. Events stand in the order in which they begin. */
export function sapOf(scene: SceneFacts, description: string | null): SapAnswer {
  const event = (sound: SoundFacts): SapEvent => ({
    label: sound.label,
    characteristic: characteristicOf(sound, scene),
  });
  const voice = scene.speech?.voice;
  return {
    transcription: scene.speech?.text ?? null,
    paralinguistics: {
      age: voice?.age ?? null,
      gender: voice?.gender ?? null,
      emotion: voice?.emotion ?? null,
      accent: voice?.accent ?? null,
      prosody: scene.speech?.prosody ?? null,
      timbre: voice?.timbre ?? null,
    },
    nonLinguisticEvents: {
      description,
      discreteEvents: inOrder(scene.sounds.filter(isEvent)).map(event),
      continuousEvents: inOrder(scene.sounds.filter((s) => !isEvent(s))).map(event),
    },
  };
}

const inOrder = (sounds: readonly SoundFacts[]): SoundFacts[] =>
  [...sounds].sort((a, b) => a.occurrences[0]!.start - b.occurrences[0]!.start);

/** Sentences about everything that is not speech; null where there is nothing. */
export function descriptionOf(scene: SceneFacts, random: Random): string | null {
  const discrete = inOrder(scene.sounds.filter(isEvent));
  const continuous = inOrder(scene.sounds.filter((s) => !isEvent(s)));
  const sentences: string[] = [];
  if (continuous.length > 0) sentences.push(continuousSentence(continuous, scene, random));
  if (discrete.length > 0) sentences.push(discreteSentence(discrete, scene, random));
  if (sentences.length === 2 && random.below(3) === 0) sentences.reverse();
  if ((scene.reverberationTime ?? 0) >= REVERBERANT)
    sentences.push(pick(random, ["The room is reverberant", "The room echoes", "There is strong reverberation"]));
  return sentences.length === 0 ? null : sentences.map(sentence).join(" ");
}

/** How a sentence says the extent of a continuous sound. */
const EXTENT_CLAUSES: Readonly<Record<string, string>> = {
  throughout: " throughout",
  "beginning partway through": ", starting partway through",
  "ending early": ", stopping before the end",
  "beginning late and ending early": ", for a part of the time",
};

function continuousSentence(sounds: readonly SoundFacts[], scene: SceneFacts, random: Random): string {
  const extents = sounds.map((s) => EXTENT_CLAUSES[extentOf(s, scene)]!);
  const [extent] = extents;
  if (extents.every((e) => e === extent)) {
    const list = enumeration(sounds.map((s) => `${nounPhrase(s)}${placeOf(s)}`));
    return pick(random, [
      `${list} can be heard${extent}`,
      `In the background, one hears ${list}${extent}`,
      extent === EXTENT_CLAUSES.throughout ? `All along one hears ${list}` : `One hears ${list}${extent}`,
    ]);
  }
  const list = enumeration(sounds.map((s, i) => `${nounPhrase(s)}${placeOf(s)}${extents[i]}`));
  return pick(random, [`In the background, one hears ${list}`, `One hears ${list}`]);
}

function discreteSentence(sounds: readonly SoundFacts[], scene: SceneFacts, random: Random): string {
  const times = sounds.map((s) => timeOf(s, scene));
  const [time] = times;
  if (sounds.length === 1) return oneEvent(sounds[0]!, time, random);
  const listed = sounds.map((s) => {
    const count = countOf(s);
    return `${nounPhrase(s)}${placeOf(s)}${count && count !== "once" ? ` (${count})` : ""}`;
  });
  if (time && times.every((t) => t === time)) {
    const list = enumeration(listed);
    return pick(random, [
      `${sentenceStart(time)}, ${list} can be heard`,
      `${list} can be heard ${time}`,
      `One hears ${list} ${time}`,
    ]);
  }
  const clauses = listed.map((text, i) => (times[i] ? `${text} ${times[i]}` : text));
  return pick(random, [`One hears ${enumeration(clauses)}`, `One can hear ${enumeration(clauses)}`]);
}

function oneEvent(sound: SoundFacts, time: string | undefined, random: Random): string {
  const what = nounPhrase(sound);
  const count = countOf(sound);
  const often = count && count !== "once" ? ` ${count}` : "";
  const place = placeOf(sound);
  const when = time ? ` ${time}` : "";
  return pick(random, [
    `${what} can be heard${often}${place}${when}`,
    `One hears ${what}${often}${place}${when}`,
    time ? `${sentenceStart(time)}, ${what} can be heard${often}${place}` : `One can hear ${what}${often}${place}`,
  ]);
}

/** A sentence about a whole clip: the speaker, then the rest. */
export function captionOf(scene: SceneFacts, description: string | null): string {
  return [scene.speech && sentence(speakerClause(scene.speech)), description].filter(Boolean).join(" ");
}

function speakerClause({ voice, prosody }: SpeechFacts): string {
  const who = person(voice);
  const accent = voice.accent ? ` with ${article(voice.accent)} ${voice.accent} accent` : "";
  const emotion = voice.emotion && voice.emotion !== "Neutral" ? `, expressing ${voice.emotion.toLowerCase()}` : "";
  return `${who}${accent} ${prosody ?? "speaks"}${emotion}`;
}

function person({ gender, age }: SpeechFacts["voice"]): string {
  if (age === "Child") return gender === "Female" ? "a girl" : gender === "Male" ? "a boy" : "a child";
  const noun = gender === "Female" ? "woman" : gender === "Male" ? "man" : "person";
  return age === "Elderly" ? `an elderly ${noun}` : `a ${noun}`;
}

/** `a faint bell`: the label as a noun phrase. */
function nounPhrase(sound: SoundFacts): string {
  const phrase = sound.phrase ?? withArticle(sound.label);
  const loudness = loudnessOf(sound);
  return loudness ? withAdjective(phrase, loudness) : phrase;
}

const placeOf = ({ distance }: SoundFacts): string =>
  distance === "far" ? " in the distance" : distance === "near" ? " close by" : "";

/** Labels that take no article: what cannot be counted, and plurals. */
const UNCOUNTED =
  /(?:ing|[^s]s|music|noise|rain|wind|water|applause|laughter|thunder|traffic|fire|speech|static|silence|ambience)$/i;

const withArticle = (label: string): string => (UNCOUNTED.test(label) ? label : `${article(label)} ${label}`);

function withAdjective(phrase: string, adjective: string): string {
  const [, , rest] = /^(an?|the) (.*)$/.exec(phrase) ?? [];
  return rest === undefined ? `${adjective} ${phrase}` : `${article(adjective)} ${adjective} ${rest}`;
}

const article = (word: string): string => (/^[aeiou]/i.test(word) ? "an" : "a");

const enumeration = (items: readonly string[]): string =>
  items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;

const sentenceStart = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
const sentence = (text: string): string => `${sentenceStart(text)}.`;
