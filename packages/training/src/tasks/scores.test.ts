import { expect, test } from "vitest";
import { countRightTokens, scoreAnswers } from "./scores.ts";

const pair = (reference: string, hypothesis: string) => ({ reference, hypothesis });

test("transcripts: words and characters, whatever case and punctuation", () => {
  // one of four words wrong; "cat" → "hat" is one of "the cat is here"'s 15 characters
  const { wer, cer } = scoreAnswers("asr", [pair("The cat, is here.", "the HAT is here"), pair("...", "noise")]);
  expect(wer).toBe(1 / 4);
  expect(cer).toBeCloseTo(1 / 15, 12);
  expect(scoreAnswers("asr", [pair("?", "x")])).toEqual({});
});

test("emotions: accuracy, synonyms of the label counting as what they mean", () => {
  const pairs = [pair("Excitement", "Happiness"), pair("Fear", "Fear "), pair("Fear", "fear"), pair("Anger", "")];
  expect(scoreAnswers("ser", pairs)).toEqual({ accuracy: 1 / 2 });
});

test("captions: words and whole sentences", () => {
  expect(scoreAnswers("caption", [pair("a dog barks", "a dog barks"), pair("rain falls", "rain fell")])).toEqual({
    wer: 1 / 5,
    exact: 1 / 2,
  });
});

test("answers: validity, fields, transcription", () => {
  const sap = (transcription: string | null, accent: string | null, events: string[]) =>
    JSON.stringify({
      transcription,
      paralinguistics: { age: "Child", gender: "Male", emotion: "Fear", accent, prosody: null, timbre: null },
      nonLinguisticEvents: {
        description: null,
        discreteEvents: events.map((label) => ({ label, characteristic: "near" })),
        continuousEvents: [],
      },
    });
  const right = sap("one two", "Irish", ["bell"]);
  const scores = scoreAnswers("sap", [
    pair(right, JSON.stringify(JSON.parse(right), null, 1)),
    pair(right, sap("one too", "Scottish", ["bell", "dog"])),
    pair(right, right.slice(0, -1)),
  ]);
  expect(scores).toEqual({
    valid: 2 / 3,
    age: 1,
    gender: 1,
    emotion: 1,
    wer: 1 / 4,
    exact: 1 / 3,
    accent: 1 / 2,
    prosody: 1,
    timbre: 1,
    description: 1,
    discreteEvents: 1 / 2,
    continuousEvents: 1,
  });
  expect(scoreAnswers("sap", [pair(right, "")])).toEqual({ valid: 0, exact: 0 });
  expect(() => scoreAnswers("sap", [pair("nothing", right)])).toThrow("no SAP answer");
});

test("right tokens: ignored labels do not count", () => {
  expect(countRightTokens([1, 2, 3, 9], BigInt64Array.of(1n, 5n, -100n, 9n))).toEqual({ right: 2, counted: 3 });
});

test("nothing evaluated has no measures", () => {
  for (const task of ["asr", "ser", "caption", "sap"] as const) expect(scoreAnswers(task, [])).toEqual({});
});
