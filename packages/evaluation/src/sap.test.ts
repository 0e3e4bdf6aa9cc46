import { EMOTION_SYNONYMS, formatSap } from "universal-audio-tokenizer/internal";
import { describe, expect, test } from "vitest";
import { fixtureJson } from "./fixtures.ts";
import { parsePythonJson } from "./python-json.ts";
import { parseSap, scoreSap, summarizeSap } from "./sap.ts";

const golden = fixtureJson<{
  emotion_mapping: Record<string, string>;
  samples: { name: string; input: unknown; valid: boolean; data: unknown }[];
  pair_scores: {
    pred: string;
    label: string;
    pred_valid: boolean;
    age_counted?: boolean;
    gender_counted?: boolean;
    emotion_counted?: boolean;
    wer?: { ref: number; sub: number; del: number; ins: number };
  }[];
}>("metrics/sap.json");
const inputs = new Map(golden.samples.map((s) => [s.name, s.input]));

test.each(golden.samples)("answer $name", ({ input, valid, data }) => {
  expect(parseSap(input) ?? null).toEqual(valid ? data : null);
});

test.each(golden.samples.filter((s) => s.valid))("answer $name written again", ({ input, data }) => {
  const text = formatSap(parseSap(input)!);
  expect(parseSap(text)).toEqual(data);
  expect(text).toBe(JSON.stringify(JSON.parse(text)));
  expect(text).toMatch(
    /^\{"transcription":.*"paralinguistics":\{"age":.*"gender":.*"emotion":.*"accent":.*"prosody":.*"timbre":.*\},"nonLinguisticEvents":\{"description":.*"discreteEvents":\[.*"continuousEvents":\[.*\]\}\}$/,
  );
});

test("the synonyms of emotions are upstream's", () => {
  expect(Object.fromEntries(EMOTION_SYNONYMS)).toEqual(golden.emotion_mapping);
});

test.each(golden.pair_scores)("score of $pred against $label", (want) => {
  const score = scoreSap(inputs.get(want.pred), inputs.get(want.label));
  const { age_counted: age, gender_counted: gender, emotion_counted: emotion, wer } = want;
  expect(score).toEqual({
    predictionValid: want.pred_valid,
    ...(age === undefined ? {} : { matches: { age, gender, emotion } }),
    ...(wer ? { words: { reference: wer.ref, substitutions: wer.sub, deletions: wer.del, insertions: wer.ins } } : {}),
  });
});

test("a summary over all reference pairs", () => {
  const summary = summarizeSap(golden.pair_scores.map((p) => scoreSap(inputs.get(p.pred), inputs.get(p.label))));
  expect(summary.answers).toBe(10);
  expect(summary.validRate).toBeCloseTo(0.9, 12);
  expect(summary.age).toBeCloseTo(7 / 8, 12);
  expect(summary.emotion).toBeCloseTo(6 / 8, 12);
  expect(summary.wer).toBeCloseTo(4 / 12, 12);
  expect(summarizeSap([])).toMatchObject({ validRate: 0, wer: undefined, age: undefined });
});

describe("JSON as Python reads it", () => {
  test("what both languages accept", () => {
    for (const text of [
      '{"a": [1, -2.5e3, "x\\n\\u00e9"], "b": {}}',
      " [] ",
      '"\\ud83d\\ude00"',
      "-0",
      "0.10",
      "true",
    ]) {
      const plain = (v: unknown): unknown =>
        v instanceof Map
          ? Object.fromEntries([...v].map(([k, x]) => [k, plain(x)]))
          : Array.isArray(v)
            ? v.map(plain)
            : v;
      expect(plain(parsePythonJson(text))).toEqual(JSON.parse(text));
    }
  });
  test("what only Python accepts", () => {
    expect(parsePythonJson("[NaN, Infinity, -Infinity]")).toEqual([Number.NaN, 1 / 0, -1 / 0]);
  });
  test("the last of equal keys wins and no key is special", () => {
    expect(parsePythonJson('{"a": 1, "__proto__": 2, "a": 3}')).toEqual(
      new Map([
        ["a", 3],
        ["__proto__", 2],
      ]),
    );
  });
  test.each([
    "",
    "01",
    "1.",
    ".5",
    "+1",
    "- 1",
    "--1",
    "[1,]",
    "{,}",
    '{"a":1,}',
    '{"a" 1}',
    "{1: 2}",
    '"',
    '"\t"',
    '"\\x"',
  ])("refuses %j", (text) => expect(() => parsePythonJson(text)).toThrow(SyntaxError));
  test.each(['"\\u12"', "\ufeff1", "\u00a01", "1 2", "nul", "[", "[".repeat(100_000), "'a'", "undefined", "nan"])(
    "refuses %#",
    (text) => expect(() => parsePythonJson(text)).toThrow(SyntaxError),
  );
});
