import { expect, test } from "vitest";
import { isReaderLabel, LabelReader, readerLabels, readerText } from "./reader-labels.ts";
import type { SapAnswer } from "./sap-answer.ts";

const STREET: SapAnswer = {
  transcription: "Stop!",
  paralinguistics: {
    age: "Adult",
    gender: "Male",
    emotion: null,
    accent: "British English",
    prosody: null,
    timbre: null,
  },
  nonLinguisticEvents: {
    description: "A dog barks.",
    discreteEvents: [
      { label: "dog bark", characteristic: "twice" },
      { label: "dog bark", characteristic: "far away" },
    ],
    continuousEvents: [{ label: "rain", characteristic: "throughout" }],
  },
};

const LABELS = ["age: Adult", "continuous: rain", "discrete: dog bark", "gender: Female", "gender: Male", "speech"];

/** Logits of four tokens: −5 but for the labels named, which have the given values. */
function logits(heard: Readonly<Record<string, readonly number[]>>) {
  const tokens = new Float32Array(4 * LABELS.length).fill(-5);
  const clip = new Float32Array(LABELS.length).fill(-5);
  for (const [label, values] of Object.entries(heard)) {
    const index = LABELS.indexOf(label);
    for (const [t, value] of values.entries()) tokens[t * LABELS.length + index] = value;
    clip[index] = Math.max(...values);
  }
  return { clip, tokens, frameRate: 25 };
}

test("an answer's labels: who speaks and what sounds, each once", () => {
  expect(readerLabels(STREET)).toEqual([
    "speech",
    "age: Adult",
    "gender: Male",
    "accent: British English",
    "discrete: dog bark",
    "continuous: rain",
  ]);
});

test("of the speaker the likeliest values, of sounds those that are likelier than not, with their times", () => {
  const reader = new LabelReader(LABELS);
  const answer = reader.answer(
    "stop",
    logits({
      speech: [3, 3, 3, 3],
      "gender: Female": [-1, -1, -1, -1],
      "gender: Male": [-2, -2, -2, -2],
      "discrete: dog bark": [-5, 2, 4, -5],
      "continuous: rain": [1, 1, 1, 1],
    }),
  );
  expect(answer.transcription).toBe("stop");
  expect(answer.paralinguistics).toMatchObject({ gender: "Female", age: "Adult", accent: null });
  expect(answer.nonLinguisticEvents).toEqual({
    description: "Sounds of dog bark can be heard, with rain in the background.",
    discreteEvents: [{ label: "dog bark", characteristic: "from 0.0 to 0.1 s" }],
    continuousEvents: [{ label: "rain", characteristic: "throughout" }],
  });
});

test("where nobody speaks nothing is said of a speaker", () => {
  const reader = new LabelReader(LABELS);
  const silent = reader.answer("", logits({ speech: [3, 3, 3, 3], "gender: Male": [5, 5, 5, 5] }));
  expect(silent.transcription).toBeNull();
  expect(silent.paralinguistics.gender).toBeNull();
  const babble = reader.answer("a", logits({ "gender: Male": [5, 5, 5, 5] }));
  expect(babble.transcription).toBeNull();
  expect(babble.nonLinguisticEvents).toEqual({ description: null, discreteEvents: [], continuousEvents: [] });
});

test("a threshold decides how sure a reader must be of a sound", () => {
  const heard = logits({ "discrete: dog bark": [-5, -1.5, -3, -5], "continuous: rain": [-2.5, -2.5, -2.5, -2.5] });
  const events = (threshold?: number) => new LabelReader(LABELS, threshold).answer("", heard).nonLinguisticEvents;
  expect(events()).toEqual({ description: null, discreteEvents: [], continuousEvents: [] });
  expect(events(-2)).toMatchObject({
    discreteEvents: [{ label: "dog bark", characteristic: "from 0.0 to 0.1 s" }],
    continuousEvents: [],
  });
  expect(events(-2.6).continuousEvents).toEqual([{ label: "rain", characteristic: "throughout" }]);
});

test("labels are told from other text", () => {
  expect(LABELS.every(isReaderLabel)).toBe(true);
  expect(["dog bark", "gender:Male", "gender: ", "mood: calm", ""].some(isReaderLabel)).toBe(false);
});

test("text as it is written from codes", () => {
  expect(readerText("  “It’s 5 o'clock”, she said —\n*twice*.")).toBe("it's 5 o'clock she said twice");
  expect(readerText("Schöne Grüße!")).toBe("schöne grüße");
});
