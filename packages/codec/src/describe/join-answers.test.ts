import { expect, test } from "vitest";
import { joinAnswers, mostFrequent } from "./join-answers.ts";
import type { SapAnswer } from "./sap-answer.ts";

const answer = (
  transcription: string | null,
  gender: "Male" | "Female" | null,
  discrete: string[],
  continuous: string[],
): SapAnswer => {
  const events = (labels: string[]) => labels.map((label) => ({ label, characteristic: `a ${label}` }));
  return {
    transcription,
    paralinguistics: { age: null, gender, emotion: null, accent: null, prosody: null, timbre: null },
    nonLinguisticEvents: {
      description: transcription && `heard ${transcription}`,
      discreteEvents: events(discrete),
      continuousEvents: events(continuous),
    },
  };
};

test("pieces of a clip become one answer", () => {
  const joined = joinAnswers([
    answer("one", "Male", ["bell"], ["rain"]),
    answer(null, null, [], ["rain", "wind"]),
    answer("two ", "Female", ["bell"], []),
    answer("three", "Female", [], []),
  ]);
  expect(joined.transcription).toBe("one two three");
  expect(joined.paralinguistics.gender).toBe("Female");
  expect(joined.paralinguistics.age).toBeNull();
  expect(joined.nonLinguisticEvents.description).toBe("heard one heard two heard three");
  expect(joined.nonLinguisticEvents.discreteEvents.map((e) => e.label)).toEqual(["bell", "bell"]);
  expect(joined.nonLinguisticEvents.continuousEvents.map((e) => e.label)).toEqual(["rain", "wind"]);
});

test("one answer stays as it is, none is that of silence", () => {
  const one = answer(" as it is ", "Male", [], []);
  expect(joinAnswers([one])).toBe(one);
  expect(joinAnswers([]).transcription).toBeNull();
  expect(joinAnswers([answer("", null, [], []), answer(null, null, [], [])]).transcription).toBe("");
});

test("of equally many the earliest", () => {
  expect(mostFrequent(["b", "a", null, "a", "b", null, null])).toBe("b");
  expect(mostFrequent([null])).toBeNull();
});
