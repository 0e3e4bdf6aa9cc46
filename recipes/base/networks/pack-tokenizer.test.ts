import { expect, test } from "vitest";
import { giveCodes } from "./pack-tokenizer.ts";

test("unused codes move onto states of every kind, by its share; the others stay", () => {
  const codebook = Float32Array.from({ length: 12 }, (_, i) => -1 - i);
  const sounds = Float32Array.of(10, 10, 11, 11, 12, 12);
  const speech = Float32Array.of(20, 20, 21, 21);
  const filled = giveCodes(codebook, [1, 3, 4], [sounds, speech], [1 / 3, 2 / 3], 2);
  const vector = (code: number) => [...filled.subarray(2 * code, 2 * code + 2)];
  for (const code of [0, 2, 5]) expect(vector(code)).toEqual([-1 - 2 * code, -2 - 2 * code]);
  expect([10, 11, 12]).toContain(vector(1)[0]);
  expect(vector(3)[0]! + vector(4)[0]!).toBe(41);
  for (const code of [1, 3, 4]) expect(vector(code)[0]).toBe(vector(code)[1]);
  expect([...codebook]).toEqual(Array.from({ length: 12 }, (_, i) => -1 - i));
});

test("too few states are told", () => {
  expect(() => giveCodes(new Float32Array(4), [0, 1], [new Float32Array(2)], [1], 2)).toThrow("1 states for 2 codes");
});
