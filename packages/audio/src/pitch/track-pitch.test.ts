import { describe, expect, test } from "vitest";
import { AudioError } from "../errors.ts";
import { fixture, fixtureJson } from "../node-fixtures.ts";
import { decodeAudio } from "../open-audio.ts";
import { resample } from "../resample.ts";
import { type PitchOptions, trackPitch } from "./track-pitch.ts";

const RATE = 22050;
const HOP = 256;
const OPTIONS: PitchOptions = { sampleRate: RATE, hop: HOP };
const cents = (a: number, b: number) => Math.abs(1200 * Math.log2(a / b));
const inner = (f0: Float32Array, edge = 4) => f0.subarray(edge, f0.length - edge);

/** Reproducible noise, uniform in ±1. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

/** A voice of the given pitch: its harmonics with the given amplitudes. */
function harmonics(hz: (second: number) => number, amplitudes: readonly number[], seconds = 1, rate = RATE) {
  let phase = 0;
  return Float32Array.from({ length: Math.round(seconds * rate) }, (_, i) => {
    phase += (2 * Math.PI * hz(i / rate)) / rate;
    return amplitudes.reduce((sum, a, k) => sum + a * Math.sin((k + 1) * phase), 0);
  });
}

describe("pitch of made-up voices", () => {
  test.each([65, 110, 220.5, 331.7, 523.25, 590])("a sine of %d Hz within 3 cents", (hz) => {
    const f0 = inner(
      trackPitch(
        harmonics(() => hz, [0.5]),
        OPTIONS,
      ),
    );
    for (const f of f0) expect(cents(f, hz)).toBeLessThan(3);
  });

  test.each([
    [16000, 160],
    [24000, 240],
    [48000, 512],
  ])("at %d Hz, hop %d", (sampleRate, hop) => {
    const samples = harmonics(() => 173, [0.3, 0.2, 0.1], 0.5, sampleRate);
    const f0 = trackPitch(samples, { sampleRate, hop });
    expect(f0.length).toBe(Math.floor(samples.length / hop));
    for (const f of inner(f0)) expect(cents(f, 173)).toBeLessThan(3);
  });

  test.each([
    ["no fundamental", [0, 0.3, 0.3, 0.3, 0.2]],
    ["a strong second harmonic", [0.05, 0.6, 0.1, 0.3]],
    ["a strong third harmonic", [0.1, 0.05, 0.6, 0.05]],
    ["many equal harmonics", new Array<number>(12).fill(0.1)],
  ])("no octave error with %s", (_, amplitudes) => {
    for (const hz of [90, 140, 210, 280]) {
      const f0 = inner(
        trackPitch(
          harmonics(() => hz, amplitudes),
          OPTIONS,
        ),
      );
      for (const f of f0) expect(cents(f, hz)).toBeLessThan(10);
    }
  });

  test("vibrato is followed", () => {
    const hz = (s: number) => 220 * 2 ** ((0.6 / 12) * Math.sin(2 * Math.PI * 5.5 * s));
    const f0 = trackPitch(harmonics(hz, [0.4, 0.2, 0.1]), OPTIONS);
    for (let t = 4; t < f0.length - 4; t++) expect(cents(f0[t]!, hz((t * HOP + HOP / 2) / RATE))).toBeLessThan(12);
  });

  test("a voice in noise 10 dB below", () => {
    const random = noise(3);
    const voice = harmonics((s) => 120 + 60 * s, [0.4, 0.3, 0.2, 0.1]);
    const f0 = trackPitch(
      voice.map((v) => v + 0.21 * random()),
      OPTIONS,
    );
    for (let t = 4; t < f0.length - 4; t++)
      expect(cents(f0[t]!, 120 + (60 * (t * HOP + HOP / 2)) / RATE)).toBeLessThan(30);
  });

  test("noise, silence, a constant and clicks have no pitch", () => {
    const random = noise(1);
    const white = Float32Array.from({ length: RATE }, () => 0.5 * random());
    let low = 0;
    const dull = white.map((v) => (low += 0.3 * (v - low)));
    const voicedShare = (samples: Float32Array) => {
      const f0 = trackPitch(samples, OPTIONS);
      return f0.filter((f) => f > 0).length / f0.length;
    };
    expect(voicedShare(white)).toBe(0);
    expect(voicedShare(dull)).toBeLessThan(0.05);
    expect(voicedShare(new Float32Array(RATE))).toBe(0);
    expect(voicedShare(new Float32Array(RATE).fill(0.3).map((v, i) => v * (i % 7000 === 0 ? 1 : 0)))).toBe(0);
  });

  test("voiced and unvoiced stretches, with formants: under 4 % wrong voicing, under 1 % gross error", () => {
    const random = noise(7);
    const truth = (s: number) =>
      s % 1 < 0.35 ? 105 + 40 * (s % 1) : s % 1 < 0.55 || s % 1 > 0.9 ? 0 : 190 - 50 * (s % 1);
    // pulses or noise through two resonances, as a vocal tract
    const samples = new Float32Array(3 * RATE);
    const state = [0, 0, 0, 0];
    let cycle = 0;
    for (let i = 0; i < samples.length; i++) {
      const hz = truth(i / RATE);
      cycle += hz / RATE;
      const pulse = cycle >= 1 ? 1 : 0;
      cycle -= pulse;
      let x = hz > 0 ? pulse + 0.003 * random() : (i / RATE) % 1 > 0.9 ? 0 : 0.04 * random();
      for (const [k, [centre, width]] of [
        [620, 90],
        [1900, 140],
      ].entries()) {
        const r = Math.exp((-Math.PI * width!) / RATE);
        const y = x + 2 * r * Math.cos((2 * Math.PI * centre!) / RATE) * state[2 * k]! - r * r * state[2 * k + 1]!;
        state[2 * k + 1] = state[2 * k]!;
        x = state[2 * k] = y;
      }
      samples[i] = 0.05 * x;
    }
    const f0 = trackPitch(samples, OPTIONS);
    let [wrong, both, gross] = [0, 0, 0];
    for (const [t, f] of f0.entries()) {
      const hz = truth((t * HOP + HOP / 2) / RATE);
      if (f > 0 !== hz > 0) wrong++;
      else if (f > 0) {
        both++;
        if (Math.abs(f / hz - 1) > 0.2) gross++;
      }
    }
    expect(wrong / f0.length).toBeLessThan(0.04);
    expect(gross / both).toBeLessThan(0.01);
    expect(both).toBeGreaterThan(150);
  });
});

describe("pitch of speech", () => {
  test("agrees with librosa's pYIN where both hear a voice", async () => {
    const { samples, f0: theirs } = await librosaPitch();
    const f0 = trackPitch(samples, OPTIONS);
    let [both, gross, alone] = [0, 0, 0];
    for (const [t, f] of f0.entries()) {
      if (f > 0 && theirs[t]! > 0) {
        both++;
        if (Math.abs(f / theirs[t]! - 1) > 0.2) gross++;
      } else if (f > 0) alone++;
    }
    expect(both).toBeGreaterThan(f0.length / 4);
    expect(gross / both).toBeLessThan(0.015);
    expect(alone / f0.length).toBeLessThan(0.02);
  });
});

/** The fixture speech16k.wav at 22,050 Hz and its pitch by librosa (tests/interop/make-pitch-goldens.py). */
async function librosaPitch(): Promise<{ samples: Float32Array; f0: number[] }> {
  const { channels, sampleRate } = await decodeAudio(fixture("audio/speech16k.wav"));
  const { f0 } = fixtureJson<{ f0: number[] }>("pitch/speech16k.json");
  return { samples: resample(channels[0]!, sampleRate, RATE), f0 };
}

test("short clips and impossible ranges", () => {
  expect(trackPitch(new Float32Array(100), OPTIONS)).toEqual(new Float32Array(0));
  expect(trackPitch(new Float32Array(256), OPTIONS)).toEqual(new Float32Array(1));
  expect(() => trackPitch(new Float32Array(9999), { ...OPTIONS, minHz: 300, maxHz: 200 })).toThrow(AudioError);
  expect(() => trackPitch(new Float32Array(9999), { ...OPTIONS, maxHz: 9000 })).toThrow(AudioError);
});
