import { decoderMel } from "@uat/audio";
import { describe, expect, test } from "vitest";
import { flowDecoderGeometry } from "../config/decoder-geometry.ts";
import { TrainingError } from "../errors.ts";
import { Random } from "../random.ts";
import { type FlowClip, flowBatch, flowStepInputs, melOf } from "./flow-batch.ts";

const config = flowDecoderGeometry(undefined, { flow: { vocab_size: 100 }, hift: {} }, "test").flow;
const random = new Random(1);
const sound = Float32Array.from({ length: 22050 }, () => random.uniform(-0.5, 0.5));
const clip: FlowClip = { name: "clip", tokens: Int32Array.from({ length: 25 }, (_, i) => i), samples: sound };

describe("mel of a cut", () => {
  const whole = decoderMel(sound);
  const at = (mel: Float32Array, frames: number, t: number) => [0, 20, 79].map((b) => mel[b * frames + t]);

  test("is that of the whole clip where the cut begins on a frame", () => {
    const cut = melOf(sound, 10 * 256, 12);
    for (let t = 0; t < 12; t++)
      for (const [i, v] of at(cut, 12, t).entries()) expect(v).toBeCloseTo(at(whole.data, whole.frames, 10 + t)[i]!, 4);
  });

  test("is that of the whole clip at both its ends", () => {
    expect(melOf(sound, 0, whole.frames)).toEqual(whole.data);
  });

  test("goes on in silence beyond the clip", () => {
    const cut = melOf(sound.subarray(0, 300), 0, 6);
    expect(cut.length).toBe(6 * 80);
    expect(cut[5]).toBeCloseTo(Math.log(1e-5), 3);
  });
});

test("crops have the tokens of their sound, all as long as the shortest clip at most", () => {
  const short = { ...clip, tokens: clip.tokens.slice(0, 9) };
  const batch = flowBatch([clip, short, clip], 12, config, new Random(3));
  expect(batch).toMatchObject({ size: 3, tokenCount: 9, frames: 31 });
  for (let i = 0; i < 3; i++) {
    const first = batch.tokens[i * 9] as number;
    expect([...batch.tokens.subarray(i * 9, (i + 1) * 9)]).toEqual(Array.from({ length: 9 }, (_, k) => first + k));
    expect(batch.mel.slice(i * 80 * 31, (i + 1) * 80 * 31)).toEqual(melOf(sound, first * 882, 31));
  }
  expect(batch.tokens[9]).toBe(0);
  expect(new Set([batch.tokens[0], batch.tokens[18]]).size).toBe(2);
});

test.each<[string, Partial<FlowClip>, string]>([
  ["too little sound", { samples: sound.subarray(0, 9000) }, "clip: 9000 samples for 25 tokens"],
  ["a foreign code", { tokens: Int32Array.of(3, 100, 5) }, "clip: has the code 100"],
  ["no code", { tokens: new Int32Array(0) }, "clip: has 0 tokens"],
  ["an embedding of another size", { embedding: new Float32Array(3) }, "clip: has a speaker embedding of 3 values"],
])("%s is refused", (_, change, message) => {
  const make = () => flowBatch([{ ...clip, ...change }], 50, config, random);
  expect(make).toThrow(TrainingError);
  expect(make).toThrow(message);
});

test("draws: shares of dropped and prompted items, lengths of prompts, times, noise", () => {
  const batch = flowBatch(new Array(4).fill(clip), 8, config, new Random(2));
  const draws = new Random(7);
  let [untold, prompted, longest, early, items] = [0, 0, 0, 0, 0];
  let [mean, square, values] = [0, 0, 0];
  for (let round = 0; round < 300; round++) {
    const { told, prompt, time, noise } = flowStepInputs(batch, config, draws) as Record<
      string,
      { data: Float32Array; shape: number[] }
    >;
    for (let i = 0; i < batch.size; i++, items++) {
      if (told!.data[i] === 0) untold++;
      const row = prompt!.data.subarray(i * batch.frames, (i + 1) * batch.frames);
      const given = row.indexOf(0);
      // a beginning, and nothing after it
      expect(row.subarray(given).every((v) => v === 0) && row.subarray(0, given).every((v) => v === 1)).toBe(true);
      if (given > 0) prompted++;
      longest = Math.max(longest, given / batch.frames);
      if (time!.data[i]! < 1 - Math.SQRT1_2) early++;
    }
    for (const v of noise!.data.subarray(0, 500)) [mean, square, values] = [mean + v, square + v * v, values + 1];
  }
  expect(Math.abs(untold / items - 0.2)).toBeLessThan(0.05);
  // half of all items, less those whose share comes to no frame
  expect(Math.abs(prompted / items - 0.49)).toBeLessThan(0.06);
  expect(longest).toBeLessThan(0.8);
  expect(longest).toBeGreaterThan(0.7);
  // 1 − cos(u·π/2) of a uniform u is below 1 − √½ half of the time
  expect(Math.abs(early / items - 0.5)).toBeLessThan(0.06);
  expect(Math.abs(mean / values)).toBeLessThan(0.02);
  expect(Math.abs(square / values - 1)).toBeLessThan(0.02);
});
