import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "../random.ts";
import { growEmbedding } from "./embedding.ts";
import { TagVocabulary } from "./tags.ts";
import { framesNeeded, splitUnits, UnitVocabulary } from "./units.ts";

describe("units", () => {
  test("characters: lower case, composed, single blanks", () => {
    expect(splitUnits("characters", "  E\u0301te\u0301\n\tne ")).toEqual(["é", "t", "é", " ", "n", "e"]);
    expect(splitUnits("phonemes", "h ə  l oʊ")).toEqual(["h", "ə", "l", "oʊ"]);
    expect(splitUnits("phonemes", ["h", "", "oʊ"])).toEqual(["h", "oʊ"]);
  });

  test("numbers start after the blank", () => {
    const vocabulary = UnitVocabulary.ofLabels("characters", ["Bad", "cab"]);
    expect(vocabulary.units).toEqual(["a", "b", "c", "d"]);
    expect(vocabulary.size).toBe(5);
    expect([...vocabulary.encode("DABc", "row 1")]).toEqual([4, 1, 2, 3]);
    expect(() => vocabulary.encode("bead", "list.tsv:9")).toThrow('list.tsv:9: "e" is none of the 4 characters known');
    expect(() => UnitVocabulary.ofLabels("phonemes", ["", "  "])).toThrow("a vocabulary of 0 phonemes");
    expect(() => new UnitVocabulary("phonemes", ["a", "a"])).toThrow("none of them twice");
  });

  /** All sequences of so many numbers 0 … 2. */
  const sequences = (length: number): number[][] =>
    length === 0 ? [[]] : sequences(length - 1).flatMap((head) => [0, 1, 2].map((last) => [...head, last]));

  test("the frames a label needs are those of the shortest sequence that spells it", () => {
    const vocabulary = new UnitVocabulary("phonemes", ["x", "y"]);
    const shortest = new Map<string, number>();
    for (let length = 0; length <= 7; length++)
      for (const frames of sequences(length)) {
        const spelt = vocabulary.decode(frames).join("");
        if (!shortest.has(spelt)) shortest.set(spelt, length);
      }
    expect(shortest.get("xx")).toBe(3);
    for (const [spelt, length] of shortest)
      expect(framesNeeded(vocabulary.encode([...spelt], "a row")), spelt).toBe(length);
  });
});

describe("tags", () => {
  test("several hot", () => {
    const tags = TagVocabulary.ofRows([["rain"], [], ["dog bark", "rain"]]);
    expect(tags.tags).toEqual(["dog bark", "rain"]);
    expect([...tags.encode(["rain"], "row")]).toEqual([0, 1]);
    expect([...tags.encode([], "row")]).toEqual([0, 0]);
    expect(() => tags.encode(["dog barks"], "train.parquet#4")).toThrow(
      'train.parquet#4: tag "dog barks" is none of the 2 known (did you mean "dog bark"?)',
    );
    expect(() => TagVocabulary.ofRows([[]])).toThrow("a vocabulary of 0 tags");
  });
});

describe("an embedding that grows", () => {
  test("keeps its rows; new ones are near the mean and differ", () => {
    const random = new Random(1);
    const [rows, width, added] = [200, 3, 400];
    const values = Float32Array.from(
      { length: rows * width },
      (_, i) => (i % width) + 2 * (i % width) * random.normal(),
    );
    const grown = growEmbedding(values, width, rows + added, new Random(2));
    expect(grown.slice(0, values.length)).toEqual(values);
    for (let j = 0; j < width; j++) {
      const column = (from: number, to: number) =>
        Array.from({ length: to - from }, (_, i) => grown[(from + i) * width + j]!);
      const mean = (list: number[]) => list.reduce((sum, v) => sum + v, 0) / list.length;
      const deviation = (list: number[]) => Math.sqrt(mean(list.map((v) => (v - mean(list)) ** 2)));
      const [old, fresh] = [column(0, rows), column(rows, rows + added)];
      // the mean of 400 draws lies within 5 of its standard errors
      expect(Math.abs(mean(fresh) - mean(old))).toBeLessThanOrEqual((5 * 0.1 * deviation(old)) / 20 + 1e-6);
      expect(deviation(fresh) / 0.1).toBeGreaterThanOrEqual(0.85 * deviation(old));
      expect(deviation(fresh) / 0.1).toBeLessThanOrEqual(1.15 * deviation(old));
    }
    expect(new Set(Array.from({ length: added }, (_, i) => grown[(rows + i) * width + 1]!)).size).toBe(added);
  });

  test("is the same for the same seed, and itself when nothing is added", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 }), fc.integer(), (added, seed) => {
        const values = Float32Array.of(1, 2, 3, 5);
        const grow = () => growEmbedding(values, 2, 2 + added, new Random(seed));
        expect(grow()).toEqual(grow());
        if (added === 0) expect(grow()).toBe(values);
      }),
    );
  });
});
