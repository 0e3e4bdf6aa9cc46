import { expect, test } from "vitest";
import { genderOfPitch, gendersByVoice, parseGender, type VoicePair } from "./gender.ts";
import { fitLogistic, logisticProbability } from "./logistic-regression.ts";

test("logistic regression: what scikit-learn 1.9 finds with C = 1, tol = 1e-12, newton-cholesky", () => {
  // rows x = (sin k, cos 3k, k mod 3), second class where sin k + 0.3·(k mod 3) + 0.4·cos 7k > 0.3, for k = 0 … 39
  const rows = Array.from({ length: 40 }, (_, k) => [Math.sin(k), Math.cos(3 * k), k % 3]);
  const classes = rows.map(([a, , c], k) => a! + 0.3 * c! + 0.4 * Math.cos(7 * k) > 0.3);
  const model = fitLogistic(rows, classes);
  for (const [i, want] of SKLEARN.weights.entries()) expect(model.weights[i]).toBeCloseTo(want, 6);
  expect(model.intercept).toBeCloseTo(SKLEARN.intercept, 6);
  expect(logisticProbability(model, [0.5, -0.2, 1])).toBeCloseTo(SKLEARN.probability, 6);
});
const SKLEARN = { weights: [2.700268892, 0.543076793, 0.371798926], intercept: -0.094511033, probability: 0.820362735 };

test("separable classes, and more columns than rows", () => {
  const rows = [
    [1, 0, 0, 5],
    [2, 0, 0, 5],
  ];
  const model = fitLogistic(rows, [false, true]);
  expect(logisticProbability(model, rows[0]!)).toBeLessThan(0.5);
  expect(logisticProbability(model, rows[1]!)).toBeGreaterThan(0.5);
});

test("gender by pitch and by what lists call it", () => {
  expect(genderOfPitch({ sum: 1200, n: 10 })).toBe("Male");
  expect(genderOfPitch({ sum: 2100, n: 10 })).toBe("Female");
  expect(genderOfPitch({ sum: 0, n: 0 })).toBeUndefined();
  expect(["Female", " f ", "MALE", "m", "other", 3].map(parseGender)).toEqual([
    "Female",
    "Female",
    "Male",
    "Male",
    undefined,
    undefined,
  ]);
});

test("a speaker's own recordings do not teach the model that judges them", () => {
  const voice = (speaker: string, gender: "Female" | "Male", at: number, copy = at): VoicePair => ({
    speaker,
    gender,
    original: [at, 1],
    copy: [copy, 1],
  });
  // d sounds like the men: a model that had heard her would know better
  const voices = [
    ...[3, 3.2, 2.9].map((v) => voice("a", "Female", v)),
    ...[2.8, 3.1].map((v) => voice("b", "Female", v, -3)),
    ...[-3, -3.2, -2.8].map((v) => voice("x", "Male", v)),
    ...[-2.9, -3.1].map((v) => voice("y", "Male", v)),
    voice("d", "Female", -3.5),
  ];
  const judged = gendersByVoice(voices)!;
  expect(judged.original.slice(0, 5)).toEqual(new Array(5).fill("Female"));
  expect(judged.copy.slice(0, 5)).toEqual(["Female", "Female", "Female", "Male", "Male"]);
  expect(judged.original.slice(5, 10)).toEqual(new Array(5).fill("Male"));
  expect(judged.original[10]).toBe("Male");
});

test("more speakers to learn from, never the judged one", () => {
  const at = (speaker: string, gender: "Female" | "Male", value: number) => ({
    speaker,
    gender,
    original: [value, 1],
    copy: [-value, 1],
  });
  const voices = [at("a", "Female", 3), at("x", "Male", -3)];
  expect(gendersByVoice(voices)).toBeUndefined();
  // "a" among the teachers would say that high values are a man's
  const teachers = [at("b", "Female", 2), at("y", "Male", -2), at("a", "Male", 3), at("x", "Female", -3)];
  expect(gendersByVoice(voices, teachers)).toEqual({ original: ["Female", "Male"], copy: ["Male", "Female"] });
});

test("without two speakers of each gender there is nothing to learn from", () => {
  const one = { speaker: "a", gender: "Female", original: [1], copy: [1] } as const;
  expect(gendersByVoice([one, { ...one, speaker: "b", gender: "Male" }])).toBeUndefined();
  expect(gendersByVoice([])).toBeUndefined();
});
