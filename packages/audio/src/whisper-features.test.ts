import { describe, expect, it } from "vitest";
import { melFilters } from "./mel-filters.ts";
import { fixture, fixtureArray, fixtureJson, maxDifference } from "./node-fixtures.ts";
import { loadSpeechSamples } from "./speech-samples.ts";
import { hannWindow } from "./stft.ts";
import { paddedLength, padWithZeros, whisperFeatures, whisperFrameCount } from "./whisper-features.ts";

const meta =
  fixtureJson<Record<string, { files: string[]; samples: number[]; shape: [number, number, number] }>>(
    "features/whisper/meta.json",
  );

describe("Whisper features", () => {
  it("window and filters equal the reference", () => {
    expect(maxDifference(hannWindow(400), fixtureArray("features/hann_window_400.npy").data)).toBeLessThan(1e-6);
    for (const mels of [80, 128]) {
      const golden = fixtureArray(`features/mel_filters_${mels}.npy`).data;
      const { starts, weights } = melFilters({ sampleRate: 16000, nFft: 400, mels });
      const dense = new Float32Array(201 * mels);
      for (let b = 0; b < mels; b++) for (const [i, w] of weights[b]!.entries()) dense[(starts[b]! + i) * mels + b] = w;
      expect(maxDifference(dense, golden)).toBeLessThan(1e-8);
    }
  });

  for (const [name, { files, samples, shape }] of Object.entries(meta)) {
    const [, mels, frames] = shape;
    it(`${name} within 1e-4 of the reference, resampled clips within 1e-3`, async () => {
      const golden = fixtureArray(`features/whisper/${name}.npy`).data;
      const mask = fixtureArray(`features/whisper/${name}_mask.npy`).data;
      const padded = paddedLength(Math.max(...samples), 640);
      for (const [i, file] of files.entries()) {
        const { samples: x } = await loadSpeechSamples(fixture(`audio/${file}`));
        expect(x.length).toBe(samples[i]);
        const got = whisperFeatures(padWithZeros(x, padded), mels);
        expect(got.frames).toBe(frames);
        const want = golden.subarray(i * mels * frames, (i + 1) * mels * frames);
        const d = maxDifference(got.data, want);
        expect(d).toBeLessThan(file.includes("44k") ? 1e-3 : 1e-4);
        const ones = mask.subarray(i * frames, (i + 1) * frames).reduce((a, b) => a + b, 0);
        expect(whisperFrameCount(x.length)).toBe(ones);
      }
    });
  }

  it("from stored 16 kHz samples within 1e-4", () => {
    for (const file of ["speech16k.wav", "stereo44k.wav"]) {
      const pcm = fixtureArray(`features/pcm16k/${file}.npy`).data;
      for (const mels of [80, 128]) {
        const golden = fixtureArray(`features/whisper/${file.replace(".wav", "")}_${mels}.npy`).data;
        const got = whisperFeatures(padWithZeros(pcm, paddedLength(pcm.length, 640)), mels);
        const d = maxDifference(got.data, golden);
        expect(d).toBeLessThan(1e-4);
      }
    }
  });

  it("silence is -1.5, nothing is nothing", () => {
    expect(new Set(whisperFeatures(new Float32Array(640), 80).data)).toEqual(new Set([-1.5]));
    expect(whisperFeatures(new Float32Array(0), 80)).toMatchObject({ mels: 80, frames: 0 });
  });

  it("30 s takes milliseconds", () => {
    const x = Float32Array.from({ length: 480000 }, (_, i) => Math.sin(i * i * 1e-6));
    for (const mels of [80, 128]) {
      whisperFeatures(x, mels);
      const start = performance.now();
      whisperFeatures(x, mels);
      const ms = performance.now() - start;
      expect(ms).toBeLessThan(1000);
    }
  });
});
