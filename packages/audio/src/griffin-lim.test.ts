import { describe, expect, it } from "vitest";
import { decoderMel } from "./decoder-mel.ts";
import { Fft } from "./fft.ts";
import { griffinLim } from "./griffin-lim.ts";
import { fixture, maxDifference } from "./node-fixtures.ts";
import { decodeAudio } from "./open-audio.ts";

describe("Fft", () => {
  for (const n of [1, 2, 3, 4, 5, 6, 16, 30, 400, 1024, 1125]) {
    it(`size ${n} equals the definition, and comes back`, () => {
      const re = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i + 1));
      const im = Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i));
      const zr = re.slice();
      const zi = im.slice();
      const fft = new Fft(n);
      fft.forward(zr, zi);
      for (const k of [0, 1 % n, n >> 1, n - 1]) {
        let sumR = 0;
        let sumI = 0;
        for (let j = 0; j < n; j++) {
          const angle = (-2 * Math.PI * ((j * k) % n)) / n;
          sumR += re[j]! * Math.cos(angle) - im[j]! * Math.sin(angle);
          sumI += re[j]! * Math.sin(angle) + im[j]! * Math.cos(angle);
        }
        expect(Math.hypot(zr[k]! - sumR, zi[k]! - sumI)).toBeLessThan(1e-9 * n);
      }
      fft.inverse(zr, zi);
      expect(Math.max(maxDifference(zr, re), maxDifference(zi, im))).toBeLessThan(1e-12 * n);
    });
  }

  it("refuses other sizes", () => {
    expect(() => new Fft(7)).toThrow(RangeError);
  });
});

describe("Griffin-Lim", () => {
  it("gives back a waveform whose mel is close to the one given, the same for the same seed", async () => {
    const { channels } = await decodeAudio(fixture("audio/speech.mp3"));
    const mel = decoderMel(channels[0]!);
    const wave = griffinLim(mel);
    expect(wave.length).toBe(mel.frames * 256);
    const again = decoderMel(wave);
    expect(again.frames).toBe(mel.frames);
    let error = 0;
    let count = 0;
    for (let i = 0; i < mel.data.length; i++) {
      if (mel.data[i]! < -5) continue;
      error += Math.abs(again.data[i]! - mel.data[i]!);
      count++;
    }
    expect(error / count).toBeLessThan(0.15);
    expect(maxDifference(griffinLim(mel), wave)).toBe(0);
    expect(maxDifference(griffinLim(mel, { seed: 1 }), wave)).toBeGreaterThan(0);
    for (const v of griffinLim(mel, { seed: "zero", iterations: 3 })) expect(Math.abs(v)).toBeLessThanOrEqual(1);
  });

  it("nothing gives nothing", () => {
    expect(griffinLim({ data: new Float32Array(0), mels: 80, frames: 0 }).length).toBe(0);
  });

  it("10 s takes a second or two", () => {
    const frames = 861;
    const mel = { data: Float32Array.from({ length: 80 * frames }, (_, i) => Math.sin(i) - 3), mels: 80, frames };
    const start = performance.now();
    griffinLim(mel);
    expect(performance.now() - start).toBeLessThan(20000);
  });
});
