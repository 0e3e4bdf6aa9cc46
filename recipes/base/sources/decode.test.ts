import { encodeWav } from "@uat/audio";
import { gain, level, noise, Random } from "@uat/training";
import { describe, expect, it } from "vitest";
import { room } from "../codebook/room.ts";
import { decodeExcerpt } from "./decode.ts";

const ramp = (seconds: number) => Float32Array.from({ length: seconds * 16000 }, (_, i) => i / (seconds * 16000) - 0.5);

describe("decodeExcerpt", () => {
  it("averages the channels and takes the excerpt", async () => {
    const left = ramp(4);
    const wav = encodeWav([left, left.map(() => 0)], 16000, "f32");
    const { samples, originalRate } = await decodeExcerpt(wav, "x.wav", { skip: 1, length: 2 });
    expect(originalRate).toBe(16000);
    expect(samples.length).toBe(32000);
    expect(samples[0]).toBeCloseTo(left[16000]! / 2, 6);
  });

  it("reads files too short to skip from their beginning", async () => {
    const { samples } = await decodeExcerpt(encodeWav([ramp(1)], 16000, "f32"), "x.wav", { skip: 1, length: 2 });
    expect(samples.length).toBe(16000);
    expect(samples[0]).toBeCloseTo(-0.5, 6);
  });
});

describe("augmentation", () => {
  it("keeps the level in a room", () => {
    const quiet = gain(noise(16000, "brown", new Random(1)), -30);
    expect(level(room(quiet, 0.4, new Random(2)))).toBeCloseTo(level(quiet), 4);
  });
});
