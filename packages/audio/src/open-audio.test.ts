import { describe, expect, it } from "vitest";
import { fixture, fixtureArray, fixtureJson, maxDifference } from "./node-fixtures.ts";
import { decodeAudio, openAudio } from "./open-audio.ts";

interface Golden {
  shape: [number, number];
  rate: number;
  sum_abs: number;
  first8: number[];
}
const meta = fixtureJson<Record<string, { soundfile: Golden }>>("features/decoded/meta.json");

describe("decoding against libsndfile", () => {
  for (const [file, { soundfile }] of Object.entries(meta)) {
    const lossy = /\.(mp3|ogg)$/.test(file);
    it(`${file}: rate, channels, length and sum`, async () => {
      const { sampleRate, channels } = await decodeAudio(fixture(`audio/${file}`), { name: file });
      expect(sampleRate).toBe(soundfile.rate);
      expect([channels.length, channels[0]!.length]).toEqual(soundfile.shape);
      let sum = 0;
      for (const channel of channels) for (const v of channel) sum += Math.abs(v);
      expect(Math.abs(sum - soundfile.sum_abs) / Math.max(1, soundfile.sum_abs)).toBeLessThan(1e-6);
      expect(maxDifference(channels[0]!.subarray(0, 8), soundfile.first8)).toBeLessThan(lossy ? 1e-6 : 1e-12);
    });
  }

  for (const [file, golden, tolerance] of [
    ["speech.mp3", "speech.mp3.soundfile", 2e-6],
    ["music.ogg", "music.ogg.soundfile", 1e-6],
    ["ulaw_8k.wav", "ulaw_8k.wav", 0],
    ["pcm24_48k.wav", "pcm24_48k.wav", 0],
  ] as const) {
    it(`${file}: every sample within ${tolerance}`, async () => {
      const { channels } = await decodeAudio(fixture(`audio/${file}`));
      const { data } = fixtureArray(`features/decoded/${golden}.npy`);
      const difference = maxDifference(channels[0]!.subarray(0, data.length), data);
      expect(difference).toBeLessThanOrEqual(tolerance);
    });
  }

  it("tells the duration before decoding", async () => {
    for (const [file, { soundfile }] of Object.entries(meta)) {
      const stream = await openAudio(fixture(`audio/${file}`));
      expect(stream.duration).toBeCloseTo(soundfile.shape[1] / soundfile.rate, 9);
      stream.close();
    }
  });
});
