import { encodeWav } from "@uat/audio";
import { Random } from "@uat/training";
import { describe, expect, it } from "vitest";
import { changeSpeed, gain, level, mix, noise, room } from "./augment.ts";
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
  const voice = noise(16000, "brown", new Random(1));

  it("changes length with speed, level with gain", () => {
    expect(changeSpeed(voice, 1.25).length).toBe(12800);
    expect(level(gain(voice, -20))).toBeCloseTo(0.1, 5);
  });

  it("keeps the level in a room and mixes at the ratio asked for", () => {
    const quiet = gain(voice, -30);
    expect(level(room(quiet, 0.4, new Random(2)))).toBeCloseTo(level(quiet), 4);
    const mixed = mix(quiet, noise(5000, "white", new Random(3)), 6);
    const added = mixed.map((value, i) => value - quiet[i]!);
    expect(20 * Math.log10(level(quiet) / level(added))).toBeCloseTo(6, 1);
  });
});
