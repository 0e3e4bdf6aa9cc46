import { encodeWav } from "@uat/audio";
import { describe, expect, it } from "vitest";
import { cutPieces, decodeNative, repeatToLength, trimSilence } from "./sound-clips.ts";

const tone = (length: number) => Float32Array.from({ length }, (_, i) => 0.5 * Math.sin(i));

describe("clips", () => {
  it("come at their own rate and no longer than wanted", async () => {
    const wav = encodeWav([tone(22050)], 11025, "s16");
    const { samples, sampleRate } = await decodeNative(wav, "a.wav", 0.5);
    expect(sampleRate).toBe(11025);
    expect(samples.length).toBe(5512);
    expect(samples[100]).toBeCloseTo(0.5 * Math.sin(100), 3);
  });

  it("lose the silence at their ends but for 20 ms; silence itself is none", () => {
    const samples = new Float32Array(3000);
    samples.set(tone(1000), 1000);
    expect(trimSilence({ samples, sampleRate: 1000 })!.length).toBeGreaterThanOrEqual(1036);
    expect(trimSilence({ samples, sampleRate: 1000 })!.length).toBeLessThanOrEqual(1040);
    expect(trimSilence({ samples: new Float32Array(100), sampleRate: 1000 })).toBeUndefined();
    expect(trimSilence({ samples: new Float32Array(0), sampleRate: 1000 })).toBeUndefined();
  });

  it("are cut into equal pieces that hold everything", () => {
    const pieces = cutPieces(tone(2500), 1000);
    expect(pieces.map(({ length }) => length)).toEqual([833, 833, 834]);
    expect(cutPieces(tone(900), 1000)).toHaveLength(1);
  });

  it("are repeated whole until they are long enough", () => {
    expect([...repeatToLength(Float32Array.of(1, 2, 3), 7)]).toEqual([1, 2, 3, 1, 2, 3, 1, 2, 3]);
    expect(repeatToLength(tone(10), 4)).toHaveLength(10);
  });
});
