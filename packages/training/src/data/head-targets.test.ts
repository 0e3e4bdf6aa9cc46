/** What the heads on the codes are taught: pitch of a clip, units and tags of its row. */
import { encodeWav, WHISPER_SAMPLE_RATE } from "@uat/audio";
import { describe, expect, test } from "vitest";
import { Random } from "../random.ts";
import { clipPitch, LOWEST_PITCH } from "./clip-pitch.ts";
import { type BatchItem, collateTargets, tokenizerCollate } from "./collate.ts";
import type { Clip } from "./example.ts";
import { type PreparationSettings, parsePreparation, prepareClip, type TokenizerPreparation } from "./prepare.ts";

const RATE = WHISPER_SAMPLE_RATE;
/** A voice whose pitch in Hz depends on the time; silent where it is 0. */
function voice(seconds: number, hz: (second: number) => number): Float32Array {
  let phase = 0;
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
    const f = hz(i / RATE);
    phase += (2 * Math.PI * f) / RATE;
    return f === 0 ? 0 : 0.2 * Math.sin(phase) + 0.15 * Math.sin(2 * phase) + 0.1 * Math.sin(3 * phase);
  });
}
const octaves = (hz: number) => Math.log2(hz / LOWEST_PITCH);
const clip = (samples: Float32Array): Clip => ({ audio: { bytes: encodeWav([samples], RATE, "f32"), name: "a.wav" } });
const prepared = (samples: Float32Array, settings: Partial<PreparationSettings> = {}, seed = 1) =>
  prepareClip(
    clip(samples),
    parsePreparation({ name: "tokenizer", mels: 80, pitch: true, ...settings } as PreparationSettings),
    seed,
  );

/** Steps of a semitone each 0.1 s. */
const stairs = (second: number) => 110 * 2 ** (Math.floor(second * 10) / 12);

describe("pitch of a clip", () => {
  test("is in octaves, 0 where there is no voice, one value a frame", () => {
    const hz = (s: number) => (s < 0.5 ? 120 : s < 0.8 ? 0 : 240);
    const samples = voice(1.205, hz);
    const { data, shape } = clipPitch(samples, { start: 0, length: samples.length, speed: 1 });
    expect(shape).toEqual([121]);
    for (const [t, value] of (data as Float32Array).entries()) {
      const second = t / 100;
      if ([0, 0.5, 0.8, 1.205].some((edge) => Math.abs(second - edge) < 0.04)) continue;
      if (hz(second) === 0) expect(value).toBe(0);
      else expect(Math.abs(value - octaves(hz(second)))).toBeLessThan(0.01);
    }
  });

  test("follows changes of speed and random crops, and does not hear added noise", async () => {
    const samples = voice(2, stairs);
    const settings = {
      maxSeconds: 0.8,
      crop: "random" as const,
      augment: {
        speed: { probability: 1, factor: [0.7, 1.4] as [number, number] },
        noise: { probability: 1, ratio: [-15, -15] as [number, number], colours: ["pink" as const] },
      },
    };
    for (const seed of [1, 2, 3]) {
      const { tensors, speed } = await prepared(samples, settings, seed);
      const values = tensors.pitch!.data as Float32Array;
      expect(values.length).toBe(80);
      const inside = values.subarray(4, 76);
      expect(inside.every((v) => v > 0)).toBe(true);
      // a semitone every 0.1 s, played faster
      const steps = (inside.at(-1)! - inside[0]!) * 12;
      expect(Math.abs(steps - 7.1 * speed)).toBeLessThan(1.1);
      const plain = Math.round((inside[30]! - octaves(110 * speed)) * 12);
      expect(Math.abs((inside[30]! - octaves(110 * speed)) * 12 - plain)).toBeLessThan(0.15);
    }
  });

  test("lies on the frames that it belongs to", async () => {
    const random = new Random(4);
    const samples = voice(1.5, stairs);
    const whole = (await prepared(samples)).tensors.pitch!.data as Float32Array;
    const length = 0.6 * RATE;
    for (let k = 0; k < 5; k++) {
      const start = 160 * random.below(80);
      const part = clipPitch(samples, { start, length, speed: 1 }).data as Float32Array;
      expect(part).toEqual(whole.slice(start / 160, start / 160 + 60));
    }
  });

  test("comes only when it is asked for", async () => {
    expect(
      (
        await prepared(
          voice(0.3, () => 100),
          { pitch: false },
        )
      ).tensors.pitch,
    ).toBeUndefined();
  });
});

const item = async (seconds: number, id: string): Promise<BatchItem> => ({
  ...(await prepared(voice(seconds, () => 200))),
  example: { id, labels: {}, audio: { path: id } },
});

describe("a batch", () => {
  test("pads pitch like the features", async () => {
    const items = [await item(0.5, "a"), await item(0.2, "b")];
    const preparation = parsePreparation({ name: "tokenizer", mels: 80, pitch: true }) as TokenizerPreparation;
    const units = () => Int32Array.of(2, 1);
    const batch = tokenizerCollate({ preparation, padding: "longest", targets: { units } })(items);
    const frames = batch.attention_mask!.shape[1] as number;
    expect(batch.pitch!.shape).toEqual([2, frames]);
    const second = (batch.pitch!.data as Float32Array).subarray(frames);
    expect(second.subarray(4, 16).every((v) => Math.abs(v - octaves(200)) < 0.01)).toBe(true);
    expect(second.subarray(20).every((v) => v === 0)).toBe(true);
    expect(batch.ctc_labels).toEqual({ data: Int32Array.of(2, 1, 2, 1), shape: [2, 2] });
  });

  test("holds the labels that rows have, and −1 where they have none", async () => {
    const items = [await item(0.2, "a"), await item(0.2, "b")];
    const first =
      <T>(value: T) =>
      (example: { id: string }) =>
        example.id === "a" ? value : undefined;
    const made = collateTargets(items, {
      units: first(Int32Array.of(5, 6, 7)),
      tags: { classes: 2, encode: first(Float32Array.of(0, 1)) },
    });
    expect(made.ctc_labels).toEqual({ data: Int32Array.of(5, 6, 7, -1, -1, -1), shape: [2, 3] });
    expect(made.tags).toEqual({ data: Float32Array.of(0, 1, -1, -1), shape: [2, 2] });
    const none = collateTargets(items, { units: () => undefined });
    expect(none).toEqual({ ctc_labels: { data: Int32Array.of(-1, -1), shape: [2, 1] } });
  });
});
