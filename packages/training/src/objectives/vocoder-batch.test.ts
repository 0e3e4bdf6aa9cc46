import { decoderMel } from "@uat/audio";
import { expect, test } from "vitest";
import { decoderGeometry } from "../config/decoder-geometry.ts";
import { Random } from "../random.ts";
import { vocoderBatch, vocoderStepInputs } from "./vocoder-batch.ts";

const config = decoderGeometry(undefined, { flow: {}, hift: {} }, "test").hift;

/** A voice whose pitch rises from 120 to 240 Hz within two seconds. */
let phase = 0;
const voice = Float32Array.from({ length: 44100 }, (_, i) => {
  phase += (2 * Math.PI * (120 + (120 * i) / 44100)) / 22050;
  return 0.3 * Math.sin(phase) + 0.2 * Math.sin(2 * phase) + 0.1 * Math.sin(3 * phase);
});

test("a crop's sound, mel and pitch belong together", () => {
  const { audio, mel, f0 } = vocoderBatch([voice, voice], 20, new Random(2));
  const whole = decoderMel(voice);
  for (const i of [0, 1]) {
    const sound = audio.subarray(i * 5120, (i + 1) * 5120);
    const first = voice.findIndex((_, k) => k % 256 === 0 && sound.every((v, j) => v === voice[k + j])) / 256;
    expect(first).toBeGreaterThan(0);
    for (let t = 0; t < 20; t++) {
      for (const b of [0, 10, 30])
        expect(mel[(i * 80 + b) * 20 + t]).toBeCloseTo(whole.data[b * whole.frames + first + t]!, 3);
      const hz = 120 + (120 * ((first + t) * 256 + 128)) / 44100;
      expect(Math.abs(f0[i * 20 + t]! / hz - 1)).toBeLessThan(0.01);
    }
  }
});

test("a clip shorter than its crop ends in silence", () => {
  const { audio, f0, mel } = vocoderBatch([voice.subarray(0, 2560)], 20, new Random(2));
  expect(audio.subarray(0, 2560)).toEqual(voice.subarray(0, 2560));
  expect(audio.subarray(2560).every((v) => v === 0)).toBe(true);
  expect(f0.subarray(12).every((v) => v === 0)).toBe(true);
  expect(mel[15]).toBeCloseTo(Math.log(1e-5), 3);
});

test("the excitation's sines follow the pitch; noise alone where there is none", () => {
  const frames = 20;
  const f0 = new Float32Array(frames).fill(200, 0, 10);
  const batch = { size: 1, frames, f0, mel: new Float32Array(1600), audio: new Float32Array(5120) };
  const { harmonics } = vocoderStepInputs(batch, config, new Random(1));
  expect(harmonics!.shape).toEqual([1, 9, 5120]);
  const data = harmonics!.data as Float32Array;
  /** Share of a stretch's energy at one frequency. */
  const share = (sine: Float32Array, hz: number) => {
    let [re, im, energy] = [0, 0, 0];
    for (const [i, v] of sine.entries()) {
      const angle = (2 * Math.PI * hz * i) / 22050;
      [re, im, energy] = [re + v * Math.cos(angle), im + v * Math.sin(angle), energy + v * v];
    }
    return (2 * (re * re + im * im)) / (energy * sine.length);
  };
  const rms = (x: Float32Array) => Math.sqrt(x.reduce((s, v) => s + v * v, 0) / x.length);
  for (let h = 0; h < 9; h++) {
    const row = data.subarray(h * 5120, (h + 1) * 5120);
    const voiced = row.subarray(0, 2560);
    expect(share(voiced, 200 * (h + 1))).toBeGreaterThan(0.99);
    expect(rms(voiced)).toBeCloseTo(0.1 / Math.SQRT2, 2);
    expect(rms(row.subarray(2560))).toBeCloseTo(0.1 / 3, 2);
    expect(share(row.subarray(2560), 200 * (h + 1))).toBeLessThan(0.02);
  }
});
