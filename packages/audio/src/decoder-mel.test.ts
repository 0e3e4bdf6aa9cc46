import { describe, expect, it } from "vitest";
import { decoderMel, decoderMelFilters } from "./decoder-mel.ts";
import { fixture, fixtureArray, maxDifference } from "./node-fixtures.ts";
import { decodeAudio } from "./open-audio.ts";

describe("decoder mel", () => {
  it("filters equal the reference", () => {
    const golden = fixtureArray("features/decoder_mel/mel_filters_80_22050.npy").data;
    const { starts, weights } = decoderMelFilters();
    const dense = new Float32Array(80 * 513);
    for (let b = 0; b < 80; b++) dense.set(weights[b]!, b * 513 + starts[b]!);
    expect(maxDifference(dense, golden)).toBeLessThan(1e-8);
  });

  for (const [file, golden] of [
    ["float32_22k.wav", "float32_22k_mel"],
    ["speech.mp3", "speech_mel"],
  ] as const) {
    it(`${file} within 1e-4 above -8, else 1e-3 (or 1e-6 after exp)`, async () => {
      const { channels } = await decodeAudio(fixture(`audio/${file}`));
      const want = fixtureArray(`features/decoder_mel/${golden}.npy`);
      const got = decoderMel(channels[0]!);
      expect([1, got.mels, got.frames]).toEqual(want.shape);
      let loud = 0;
      let quiet = 0;
      for (let i = 0; i < got.data.length; i++) {
        const d = Math.abs(got.data[i]! - want.data[i]!);
        if (want.data[i]! > -8) loud = Math.max(loud, d);
        else if (Math.abs(Math.exp(got.data[i]!) - Math.exp(want.data[i]!)) > 1e-6) quiet = Math.max(quiet, d);
      }
      expect(loud).toBeLessThan(1e-4);
      expect(quiet).toBeLessThan(1e-3);
    });
  }

  it("refuses less than one frame", () => {
    expect(() => decoderMel(new Float32Array(384))).toThrow(/at least 385/);
  });
});
