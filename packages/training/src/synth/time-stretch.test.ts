import { trackPitch } from "@uat/audio";
import { expect, test } from "vitest";
import { level } from "./levels.ts";
import { changePace, changePitch } from "./time-stretch.ts";

const RATE = 16000;

/** A voice-like buzz: harmonics of a gliding pitch, from `low` to `high` Hz. */
function buzz(low: number, high: number, seconds = 1.5): Float32Array {
  let phase = 0;
  return Float32Array.from({ length: seconds * RATE }, (_, i) => {
    phase += (2 * Math.PI * (low + ((high - low) * i) / (seconds * RATE))) / RATE;
    let sum = 0;
    for (let k = 1; k <= 12; k++) sum += Math.sin(k * phase) / k;
    return 0.2 * sum;
  });
}

const pitches = (samples: Float32Array) => {
  const f0 = trackPitch(samples, { sampleRate: RATE, hop: 160 });
  return f0.subarray(10, -10);
};
const median = (values: Float32Array) => values.slice().sort()[values.length >> 1]!;

test.each([0.6, 0.8, 1.25, 1.8])("pace × %d changes the length, not the pitch nor the level", (rate) => {
  const voice = buzz(140, 140);
  const out = changePace(voice, rate, RATE);
  expect(out.length).toBe(Math.round(voice.length / rate));
  expect(median(pitches(out)) / 140).toBeCloseTo(1, 2);
  expect(level(out) / level(voice)).toBeCloseTo(1, 1);
});

test("a glide takes as long as the whole", () => {
  const out = changePace(buzz(120, 240), 0.75, RATE);
  const f0 = pitches(out);
  // at each point in time the pitch of the same share of the original
  for (const share of [0.25, 0.5, 0.75]) {
    const at = Math.round(share * (f0.length + 20)) - 10;
    expect(f0[at]! / (120 + 120 * share)).toBeGreaterThan(0.97);
    expect(f0[at]! / (120 + 120 * share)).toBeLessThan(1.03);
  }
});

test.each([-3, -1.5, 2, 4])("%d semitones change the pitch, not the length", (semitones) => {
  const voice = buzz(160, 160);
  const out = changePitch(voice, semitones, RATE);
  expect(Math.abs(out.length / voice.length - 1)).toBeLessThan(0.002);
  expect(12 * Math.log2(median(pitches(out)) / 160)).toBeCloseTo(semitones, 0);
  expect(Math.abs(12 * Math.log2(median(pitches(out)) / 160) - semitones)).toBeLessThan(0.15);
});

test("what is not changed is the same", () => {
  const voice = buzz(150, 150, 0.2);
  expect(changePace(voice, 1, RATE)).toBe(voice);
  expect(changePitch(voice, 0, RATE)).toBe(voice);
  expect(changePace(new Float32Array(0), 0.5, RATE)).toHaveLength(0);
});
