import fc from "fast-check";
import { expect, test } from "vitest";
import { align, countSteps, errorsOf } from "../edit-distance.ts";
import { fixtureArray, fixtureJson } from "../fixtures.ts";
import { changedShare, codeDistance, codeStatistics, growth } from "./statistics.ts";

const { cases } = fixtureJson<{ cases: Record<string, { entropy_bits: number }> }>("metrics/cluster/neighbours.json");

test.each(Object.entries(cases))("entropy of %s as SciPy has it", (name, { entropy_bits }) => {
  const { shape, data } = fixtureArray(`metrics/cluster/${name}_counts.npy`);
  const columns = shape[1] as number;
  const clips = Array.from({ length: shape[0] as number }, (_, row) =>
    Array.from({ length: columns }, (_, code) => new Array<number>(data[row * columns + code]!).fill(code)).flat(),
  );
  const { entropy, perplexity } = codeStatistics(clips);
  expect(entropy).toBeCloseTo(entropy_bits, 10);
  expect(Math.log2(perplexity)).toBeCloseTo(entropy_bits, 10);
});

test("codes are counted over all clips, repeats within each", () => {
  const statistics = codeStatistics([[1, 1, 2], [2], []]);
  expect(statistics).toMatchObject({ codes: 4, distinct: 2, entropy: 1, perplexity: 2, repeated: 0.5 });
  expect(codeStatistics([]).perplexity).toBeNaN();
  expect(
    growth([
      [1, 1, 2],
      [2, 3],
    ]),
  ).toEqual({ heard: [0, 3, 5], distinct: [0, 2, 3] });
});

test("the distance is that of the alignment which the word error rate uses", () => {
  const codes = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 14 });
  fc.assert(
    fc.property(codes, codes, (a, b) => {
      expect(codeDistance(a, b)).toBe(errorsOf(countSteps(align(a.map(String), b.map(String)))));
    }),
  );
});

test("a code that comes a frame later costs an edit at either end, but differs at every place", () => {
  const codes = [1, 2, 3, 4, 5, 6];
  const late = [0, 1, 2, 3, 4, 5];
  expect(codeDistance(codes, late)).toBe(2);
  expect(changedShare(codes, late)).toBe(1);
  expect(changedShare([], codes)).toBe(0);
});
