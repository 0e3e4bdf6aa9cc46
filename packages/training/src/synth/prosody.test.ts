import { readFileSync } from "node:fs";
import { loadSpeechSamples } from "@uat/audio";
import { describe, expect, test } from "vitest";
import { scaled } from "./levels.ts";
import { compareManner, countSyllables, mannerWords, measureSpeech, usualManner } from "./prosody.ts";
import { changePace, changePitch } from "./time-stretch.ts";

const SENTENCE = "A big canvas tent was the first thing to come within his vision.";

test.each([
  ["hello", "en", 2],
  ["There was a change now.", "en-US", 5],
  ["It was a curious coincidence.", "en-US", 9],
  ["Won't you draw up, gentlemen.", "en-US", 7],
  ["Ich danke ihm für seine Arbeit.", "de", 9],
  ["¿Dónde está la estación?", "es", 8],
  ["你好,世界", "zh", 4],
  ["", null, 0],
])("syllables of %s", (text, language, count) => {
  // spelling tells syllables only roughly
  expect(Math.abs(countSyllables(text, language) - count)).toBeLessThanOrEqual(1);
});

test("words for what stands out", () => {
  const words = (rate: number | undefined, pitch: number | undefined, energy: number | undefined) =>
    mannerWords({ rate, pitch, energy });
  expect(words(0.7, -2, 0)).toBe("speaks slowly in a low voice");
  expect(words(1.3, 0, 6)).toBe("speaks quickly and loudly");
  expect(words(1, 2.5, -8)).toBe("speaks softly in a high voice");
  expect(words(1, 0.5, 1)).toBe("speaks at a normal pace");
  expect(words(undefined, undefined, undefined)).toBeNull();
  expect(words(undefined, 3, undefined)).toBe("speaks in a high voice");
});

describe("a recorded sentence beside itself", async () => {
  const bytes = readFileSync(new URL("../../../../models/samples/speech.flac", import.meta.url));
  const { samples } = await loadSpeechSamples(bytes, { name: "speech.flac" });
  const usual = measureSpeech(samples, 16000, SENTENCE, "en-US");

  test("pitch is what pYIN finds (librosa 0.11: median 151.5 Hz), the pace an ordinary one", () => {
    expect(Math.abs(12 * Math.log2(usual.pitch! / 151.5))).toBeLessThan(0.5);
    expect(usual.syllableRate).toBeGreaterThan(3.5);
    expect(usual.syllableRate).toBeLessThan(7);
  });

  test.each([0.7, 1.4])("pace × %d is measured as such", (rate) => {
    const { rate: measured, pitch } = compareManner(
      measureSpeech(changePace(samples, rate, 16000), 16000, SENTENCE, "en-US"),
      usual,
    );
    expect(measured! / rate).toBeGreaterThan(0.93);
    expect(measured! / rate).toBeLessThan(1.07);
    expect(Math.abs(pitch!)).toBeLessThan(0.6);
  });

  test.each([-3, 3])("%d semitones are measured as such", (semitones) => {
    const { pitch } = compareManner(
      measureSpeech(changePitch(samples, semitones, 16000), 16000, SENTENCE, "en-US"),
      usual,
    );
    expect(Math.abs(pitch! - semitones)).toBeLessThan(0.6);
  });

  test("level is measured in decibels", () => {
    expect(compareManner(measureSpeech(scaled(samples, 0.5), 16000, SENTENCE, "en-US"), usual).energy).toBeCloseTo(
      -6.02,
      2,
    );
  });
});

test("usual is the median", () => {
  const measures = [100, 300, 120].map((pitch, i) => ({
    syllableRate: i === 0 ? undefined : 4 + i,
    pitch,
    level: -20 - i,
  }));
  expect(usualManner(measures)).toEqual({ syllableRate: 6, pitch: 120, level: -21 });
});
