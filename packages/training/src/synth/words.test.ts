import { formatSap, parseSap } from "@uat/evaluation";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../random.ts";
import type { SceneFacts, SoundFacts, SpeechFacts } from "./facts.ts";
import { captionOf, characteristicOf, countOf, descriptionOf, sapOf, timeOf } from "./words.ts";

const sound = (facts: Partial<SoundFacts> = {}): SoundFacts => ({
  role: "events",
  label: "bell",
  phrase: undefined,
  characteristic: undefined,
  occurrences: [{ start: 0.2, end: 0.5 }],
  snr: 5,
  distance: "medium",
  countable: true,
  ...facts,
});
const speech: SpeechFacts = {
  start: 1,
  end: 3,
  text: "Hello there.",
  prosody: "speaks slowly in a low voice",
  voice: {
    speaker: "x",
    gender: "Female",
    age: "Elderly",
    accent: "Irish English",
    emotion: "Sadness",
    timbre: null,
    language: "en-IE",
  },
};
const scene = (sounds: readonly SoundFacts[], more: Partial<SceneFacts> = {}): SceneFacts => ({
  duration: 5,
  speech,
  sounds,
  reverberationTime: undefined,
  ...more,
});
const at = (...pairs: [number, number][]) => pairs.map(([start, end]) => ({ start, end }));

test.each([
  [at([0.2, 0.9]), "before the speech"],
  [at([0.2, 1.03]), "before the speech"],
  [at([1.2, 1.9]), "during the speech"],
  [at([0.9, 1.9]), "during the speech"],
  [at([3, 3.5]), "after the speech"],
  [at([0.1, 0.2], [3.2, 3.3]), "before and after the speech"],
  [at([0.1, 0.2], [1.2, 1.3], [3.2, 3.3]), "before, during and after the speech"],
  // half before, half within: no plain words
  [at([0.5, 1.5]), undefined],
  [at([0.1, 0.2], [2.5, 3.5]), undefined],
])("when, beside speech from 1 to 3 s: %j", (occurrences, words) => {
  expect(timeOf(sound({ occurrences }), scene([]))).toBe(words);
});

test.each([
  [at([0.2, 0.9]), "at the beginning"],
  [at([2.3, 2.6]), "in the middle"],
  [at([4, 5]), "towards the end"],
  [at([0.1, 0.2], [4, 5]), undefined],
  [at([1.7, 1.9]), undefined],
])("when, in 5 s without speech: %j", (occurrences, words) => {
  expect(timeOf(sound({ occurrences }), scene([], { speech: undefined }))).toBe(words);
});

test("how often, only where counting is right", () => {
  const times = Array.from({ length: 3 }, (_, i) => ({ start: i, end: i + 0.1 }));
  expect(countOf(sound())).toBe("once");
  expect(countOf(sound({ occurrences: times }))).toBe("three times");
  expect(countOf(sound({ occurrences: times, countable: false }))).toBeUndefined();
});

test("characteristics", () => {
  const words = (facts: Partial<SoundFacts>) => characteristicOf(sound(facts), scene([]));
  expect(words({ distance: "far", snr: 14 })).toBe("faint and far away, once, before the speech");
  expect(words({ distance: "near", snr: -2, characteristic: "deep" })).toBe(
    "deep, loud and near, once, before the speech",
  );
  expect(words({ role: "music", occurrences: at([0, 5]), snr: 20 })).toBe("faint, throughout");
  expect(words({ role: "backgrounds", occurrences: at([2, 5]), snr: 10 })).toBe("beginning partway through");
  expect(words({ role: "backgrounds", occurrences: at([0, 3]), snr: 2 })).toBe("loud, ending early");
});

test("the caption says who speaks and how", () => {
  expect(captionOf(scene([]), null)).toBe(
    "An elderly woman with an Irish English accent speaks slowly in a low voice, expressing sadness.",
  );
});

test("a scene of nothing but speech has no description", () => {
  expect(descriptionOf(scene([]), new Random(1))).toBeNull();
});

const facts = fc.record({
  role: fc.constantFrom("events" as const, "backgrounds" as const, "music" as const),
  label: fc.constantFrom("bell", "dog bark", "rain", "footsteps", "engine", "applause", "knocking"),
  snr: fc.integer({ min: -5, max: 25 }),
  distance: fc.constantFrom("near" as const, "medium" as const, "far" as const),
  countable: fc.boolean(),
  starts: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
});

test("descriptions name every sound, are sentences, and answers are valid, whatever the facts", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(facts, { minLength: 1, maxLength: 5, selector: (f) => f.label }),
      fc.boolean(),
      fc.integer({ min: 0, max: 1e6 }),
      (list, speaks, seed) => {
        const sounds = list.map(({ starts, ...f }) =>
          sound({
            ...f,
            occurrences:
              f.role === "events" ? starts.sort().map((s) => ({ start: s / 2, end: s / 2 + 0.3 })) : at([0, 5]),
          }),
        );
        const whole = scene(sounds, { speech: speaks ? speech : undefined });
        const description = descriptionOf(whole, new Random(seed))!;
        for (const { label } of sounds) expect(description.toLowerCase()).toContain(label);
        expect(description).toMatch(/^[A-Z].*\.$/);
        expect(description).not.toMatch(/undefined|null| {2}| ,|\ban? [a-z]*(?:rain|footsteps|applause|knocking)\b/);
        expect(description).not.toMatch(/\ba [aeiou]|\ban [^aeiou]/);
        const answer = sapOf(whole, description);
        expect(parseSap(formatSap(answer))).toEqual(answer);
        expect(answer.nonLinguisticEvents.discreteEvents).toHaveLength(
          sounds.filter((s) => s.role === "events").length,
        );
        expect(answer.transcription).toBe(speaks ? "Hello there." : null);
      },
    ),
  );
});
