import { expect, test } from "vitest";
import { linearFade } from "./continuous-voice.ts";
import { crossFade, type Mel } from "./mel.ts";

const flat = (level: number, f0?: readonly number[]): Mel => ({
  data: new Float32Array(4).fill(level),
  bins: 1,
  frames: 4,
  f0: f0 && Float32Array.from(f0),
});
const fade = (mel: Mel, before: Mel) => {
  const { rising, falling } = linearFade(before.frames);
  return crossFade(mel, before, rising, falling);
};
const rounded = (values: Iterable<number> | undefined) => values && Array.from(values, (v) => Number(v.toFixed(3)));

test("levels change in equal steps", () => {
  const { data, f0 } = fade(flat(5), flat(0));
  expect(rounded(data)).toEqual([1, 2, 3, 4]);
  expect(f0).toBeUndefined();
});

test("pitch glides in equal intervals, an octave in fifths of it", () => {
  const { f0 } = fade(flat(0, [200, 200, 200, 200]), flat(0, [100, 100, 100, 100]));
  expect(rounded(f0)).toEqual([1, 2, 3, 4].map((i) => Number((100 * 2 ** (i / 5)).toFixed(3))));
});

test("what was voiced stays so until both agree, and silence too", () => {
  const { f0 } = fade(flat(0, [0, 0, 0, 90]), flat(0, [100, 100, 0, 80]));
  expect(rounded(f0)?.slice(0, 3)).toEqual([100, 100, 0]);
  expect(f0?.[3]).toBeCloseTo(90 ** 0.8 * 80 ** 0.2, 3);
  expect(rounded(fade(flat(0, [90, 90, 0, 0]), flat(0, [0, 0, 0, 0])).f0)).toEqual([0, 0, 0, 0]);
});

test("frames past the fade keep their own pitch", () => {
  const { f0 } = fade(flat(0, [0, 120, 120, 120]), { ...flat(0), frames: 2, f0: Float32Array.of(100, 100) });
  expect(rounded(f0)?.slice(2)).toEqual([120, 120]);
});
