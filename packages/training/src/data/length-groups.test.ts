import { expect, test } from "vitest";
import { LengthGroups } from "./length-groups.ts";
import type { ExampleStream } from "./mixture.ts";

const seconds = (i: number) => 1 + ((i * 37) % 90) / 10;
const stream: ExampleStream = {
  length: Number.POSITIVE_INFINITY,
  epochLength: 1000,
  at: async (i) => ({ example: { id: `${i}`, audio: { path: "x" }, labels: {}, duration: seconds(i) }, draw: i }),
};
const options = { batchSize: 4, batches: 8, seed: 1, maxSeconds: 9 };
const ids = async (s: ExampleStream, from: number, to: number) => {
  const out: number[] = [];
  for (let i = from; i < to; i++) out.push(Number((await s.at(i)).example.id));
  return out;
};

test("a window gives what the stream gives, batches of like lengths in another order", async () => {
  const given = await ids(new LengthGroups(stream, options), 0, 64);
  for (const window of [0, 1]) {
    const own = given.slice(32 * window, 32 * window + 32);
    expect(own.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, i) => 32 * window + i));
    const padded = (list: number[]) => {
      let sum = 0;
      for (let i = 0; i < 32; i += 4) sum += 4 * Math.max(...list.slice(i, i + 4).map(seconds));
      return sum;
    };
    expect(padded(own)).toBeLessThan(0.8 * padded(own.toSorted((a, b) => a - b)));
    const longest = Array.from({ length: 8 }, (_, i) => Math.max(...own.slice(4 * i, 4 * i + 4).map(seconds)));
    expect(longest).not.toEqual(longest.toSorted((a, b) => a - b));
  }
});

test("a run resumes anywhere", async () => {
  const whole = await ids(new LengthGroups(stream, options), 0, 80);
  expect(await ids(new LengthGroups(stream, options), 37, 80)).toEqual(whole.slice(37));
});
