import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { letterOf, parseChoice, parseScore, parseYesNo } from "./answers.ts";
import { normalizeEventLabel } from "./event-labels.ts";

test.each([
  ...[
    "yes",
    "Yes",
    "YES.",
    "**Yes**",
    '"yes"',
    "Yes, both are British.",
    "yes\nbecause",
    "<think>no?</think>\nYes",
  ].map((text) => [text, true] as const),
  ...[
    "no",
    "No.",
    "No - one is male",
    "<thinking>yes yes</thinking> no",
    "reasoning without a beginning </think>No",
  ].map((text) => [text, false] as const),
  ...["", "maybe", "yes and no", "No idea", "nope", "yesterday", "I think yes", "not sure", "<think>yes"].map(
    (text) => [text, undefined] as const,
  ),
])("yes or no: %j", (text, want) => expect(parseYesNo(text)).toBe(want));

test.each([
  ["7", 7],
  ["7.5", 7.5],
  ["**8**", 8],
  ["Score: 10", 10],
  ["6/10", 6],
  ["6 out of 10", 6],
  ["0.", 0],
  ["-3", undefined],
  ["11", undefined],
  ["7/100", undefined],
  ["7 or 8", undefined],
  ["about 7", undefined],
  ["seven", undefined],
  ["", undefined],
])("a score from 0 to 10: %j", (text, want) => expect(parseScore(text, 10)).toBe(want));

describe("a choice", () => {
  const choices = ["a dog", "two dogs", "rain", "Apples and cats"];
  test.each([
    ["B", 1],
    ["(C)", 2],
    ["C)", 2],
    ["D.", 3],
    ["A. a dog", 0],
    ["(B) two dogs", 1],
    ["**C**", 2],
    ["Answer: C", 2],
    ["The answer is (B).", 1],
    ["The correct answer is: **D**", 3],
    ["I first thought of option A, but the answer is C.", 2],
    ["<think>A? B? The answer is A</think>C", 2],
    ["It rains.\n\nANSWER: C", 2],
    ["two dogs", 1],
    ["Two dogs.", 1],
    ["I hear two dogs barking", 1],
    ["a dog", 0],
    ["apples and cats", 3],
    ["The sound is rain.", 2],
    ["C\nBecause it is wet", 2],
    ["", undefined],
    ["E", undefined],
    ["A dog or rain", undefined],
    ["Rain, or two dogs", undefined],
    ["I cannot hear the audio.", undefined],
    ["A cat", undefined],
    ["Cats", undefined],
    ["Both", undefined],
  ])("%j", (text, want) => expect(parseChoice(text, choices)).toBe(want));

  test("of texts that are letters or numbers", () => {
    expect(parseChoice("3", ["1", "2", "3", "4"])).toBe(2);
    expect(parseChoice("B", ["B", "A"])).toBe(0);
    expect(parseChoice("12", ["1", "2", "12"])).toBe(2);
    expect(parseChoice("It is played in C major", ["C major", "A minor"])).toBe(0);
  });

  test("by its letter or its text is found whatever the choices are", () => {
    const word = fc.stringMatching(/^[a-z]{4,9}( [a-z]{4,9})?$/);
    fc.assert(
      fc.property(fc.uniqueArray(word, { minLength: 2, maxLength: 6 }), fc.nat(), (texts, n) => {
        const index = n % texts.length;
        expect(parseChoice(`The answer is ${letterOf(index)}.`, texts)).toBe(index);
        expect(parseChoice(`(${letterOf(index)})`, texts)).toBe(index);
        expect(parseChoice(texts[index]!, texts)).toBe(index);
      }),
    );
  });
});

test.each([
  ["A Dog", "dog"],
  ["dogs", "dog"],
  ["The dogs' bark", "dog bark"],
  ["church-bells", "church bell"],
  ["Footsteps", "footstep"],
  ["breaking glass", "breaking glass"],
  ["glasses", "glass"],
  ["bushes", "bush"],
  ["babies crying", "baby crying"],
  ["geese", "goose"],
  ["bus", "bus"],
  ["hiss", "hiss"],
  ["gas", "gas"],
  ["car's horn", "car horn"],
  ["  wind ,  the  waves ", "wind wave"],
  ["Vögel", "vögel"],
  ["…", ""],
])("the event label %j is %j", (label, want) => expect(normalizeEventLabel(label)).toBe(want));
