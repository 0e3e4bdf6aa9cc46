import { expect, test } from "vitest";
import { searchText } from "./ctc-search.ts";
import { WordList } from "./word-list.ts";

const CHARACTERS = ["a", "b", " "];
const WIDTH = CHARACTERS.length + 1;

const softmax = (row: readonly number[]) => {
  const e = row.map(Math.exp);
  const sum = e.reduce((a, b) => a + b);
  return e.map((x) => x / sum);
};

/** The best text by going through every alignment: probability of all that spell it, and of its words by themselves. */
function byHand(rows: readonly (readonly number[])[], words: WordList, weight: number): string {
  const texts = new Map<string, number>();
  const walk = (t: number, probability: number, path: readonly number[]): void => {
    if (t === rows.length) {
      let text = "";
      for (const [i, c] of path.entries()) if (c > 0 && c !== path[i - 1]) text += CHARACTERS[c - 1];
      if (/^ | {2}/.test(text)) return;
      texts.set(text, (texts.get(text) ?? 0) + probability);
      return;
    }
    for (const [c, p] of softmax(rows[t]!).entries()) walk(t + 1, probability * p, [...path, c]);
  };
  walk(0, 1, []);
  let [best, most] = ["", Number.NEGATIVE_INFINITY];
  for (const [text, probability] of texts) {
    const own = text.split(" ").filter(Boolean);
    const score =
      Math.log(probability) + weight * own.reduce((sum, word, i) => sum + words.logProbability(word, own[i - 1]), 0);
    if (score > most) [best, most] = [text, score];
  }
  return best.trim();
}

function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

test("with all prefixes kept it is what every alignment together says", () => {
  const words = new WordList(
    new Map([
      ["ab", 20],
      ["a", 5],
      ["ba", 1],
    ]),
  );
  const random = generator(9);
  const found = new Set<string>();
  for (let n = 0; n < 40; n++) {
    const rows = Array.from({ length: 6 }, () => Array.from({ length: WIDTH }, () => 4 * random()));
    const weight = n % 2 ? 0.5 : 0;
    const text = searchText(Float32Array.from(rows.flat()), CHARACTERS, words, { beam: 10_000, weight });
    expect(text).toBe(byHand(rows, words, weight));
    found.add(text);
  }
  expect(found.size).toBeGreaterThan(8);
});

test("known words win over better spelt unknown ones", () => {
  // "aa", or with the second a little less likely "ab"
  const rows = [
    [0, 6, 0, 0],
    [6, 0, 0, 0],
    [0, 5, 4.5, 0],
  ];
  const logits = Float32Array.from(rows.flat());
  const words = new WordList(
    new Map([
      ["ab", 3],
      ["b", 3],
    ]),
  );
  expect(searchText(logits, CHARACTERS, words, { weight: 0 })).toBe("aa");
  expect(searchText(logits, CHARACTERS, words, { weight: 0.5 })).toBe("ab");
});

test("silence is no text", () => {
  const logits = Float32Array.from(Array.from({ length: 5 }, () => [9, 0, 0, 0]).flat());
  expect(searchText(logits, CHARACTERS, new WordList(new Map([["a", 1]])))).toBe("");
  expect(searchText(new Float32Array(0), CHARACTERS, new WordList(new Map([["a", 1]])))).toBe("");
});

test("a list of words: counts, beginnings, unknown words", () => {
  const list = WordList.parse("the\t6\nthen\t2\n", "words.txt");
  expect(list.logProbability("the")).toBeCloseTo(Math.log(6 / 8), 12);
  expect(list.bestLogProbability("then")).toBeCloseTo(Math.log(2 / 8), 12);
  expect(list.bestLogProbability("th")).toBeCloseTo(Math.log(6 / 8), 12);
  expect(list.logProbability("th")).toBeLessThan(list.logProbability("then"));
  expect(list.logProbability("thth")).toBeLessThan(list.logProbability("th"));
  // three fifths of what pairs say, two fifths of what words say by themselves
  const pairs = WordList.parse("the\t6\nthen\t2\nthe then\t3\n", "words.txt");
  expect(pairs.logProbability("then", "the")).toBeCloseTo(Math.log(0.6 * (3 / 6) + 0.4 * (2 / 8)), 12);
  expect(pairs.logProbability("the", "then")).toBeCloseTo(Math.log(0.4 * (6 / 8)), 12);
  expect(pairs.logProbability("then", "other")).toBeCloseTo(Math.log(2 / 8), 12);
  expect(list.logProbability("then", "the")).toBeCloseTo(Math.log(2 / 8), 12);
  for (const text of ["the", "the\t0", "the\tsix", "\t4", "the\tInfinity", `${"a".repeat(201)}\t1`])
    expect(() => WordList.parse(`a\t1\n${text}\n`, "words.txt")).toThrow(
      "words.txt: line 2 is not text of at most 200 letters, a tab and a count above 0",
    );
});
