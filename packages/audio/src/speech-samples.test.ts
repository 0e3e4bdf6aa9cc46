import { describe, expect, it } from "vitest";
import { parseChannel, pickChannel } from "./channel.ts";
import { AudioError } from "./errors.ts";
import { fixture, fixtureArray, maxDifference } from "./node-fixtures.ts";
import { decodeAudio } from "./open-audio.ts";
import { resample } from "./resample.ts";
import { loadSpeechSamples, speechFromChannels } from "./speech-samples.ts";
import { encodeWav, WavWriter } from "./wav-writer.ts";

describe("channels", () => {
  const two = [Float32Array.of(1, 0), Float32Array.of(0, -1)];

  it("first by default, by number, or the mean", () => {
    expect([...pickChannel(two)]).toEqual([1, 0]);
    expect([...pickChannel(two, 1)]).toEqual([0, -1]);
    expect([...pickChannel(two, "mean")]).toEqual([0.5, -0.5]);
  });

  it("refuses absent ones and odd words", () => {
    expect(() => pickChannel(two, 2)).toThrow(/channel 2 asked for; it has channels 0 to 1/);
    expect(() => pickChannel([two[0]!], 1)).toThrow(/only channel 0/);
    expect(parseChannel("mean")).toBe("mean");
    expect(parseChannel("3")).toBe(3);
    for (const text of ["-1", "1.5", "", "left"]) expect(() => parseChannel(text)).toThrow(AudioError);
  });
});

describe("loadSpeechSamples", () => {
  for (const file of ["speech16k.wav", "stereo44k.wav", "short50ms.wav"]) {
    it(`${file} equals the stored 16 kHz samples within 1e-5`, async () => {
      const { samples, duration } = await loadSpeechSamples(fixture(`audio/${file}`));
      const golden = fixtureArray(`features/pcm16k/${file}.npy`).data;
      expect(maxDifference(samples, golden)).toBeLessThan(1e-5);
      expect(duration).toBe(golden.length / 16000);
    });
  }

  it("the mean of channels before resampling equals the mean after it", async () => {
    const { channels } = await decodeAudio(fixture("audio/stereo44k.wav"));
    const after = pickChannel(
      channels.map((c) => resample(c, 44100, 16000)),
      "mean",
    );
    const { samples } = await loadSpeechSamples(fixture("audio/stereo44k.wav"), { channel: "mean" });
    expect(maxDifference(samples, after)).toBeLessThan(1e-6);
    expect(maxDifference(speechFromChannels(channels, 44100, { channel: "mean" }).samples, samples)).toBe(0);
  });

  it("other rates, empty clips", async () => {
    const { samples } = await loadSpeechSamples(fixture("audio/speech16k.wav"), { sampleRate: 22050 });
    expect(samples.length).toBe(Math.ceil((48000 * 22050) / 16000));
    const empty = await loadSpeechSamples(encodeWav([new Float32Array(0)], 44100));
    expect([empty.samples.length, empty.duration]).toEqual([0, 0]);
  });

  it("names the position of NaN and infinite samples", async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const x = new Float32Array(100);
      const file = encodeWav([x], 8000, "f32");
      new DataView(file.buffer).setFloat32(58 + 4 * 80, bad, true);
      await expect(loadSpeechSamples(file, { name: "x.wav" })).rejects.toThrow(/x\.wav: sample 80 \(at 0\.010 s\) is/);
    }
  });
});

describe("writing wav", () => {
  it("round trips: s16 exactly, f32 exactly, clipped at ±1", async () => {
    const { channels } = await decodeAudio(fixture("audio/stereo44k.wav"));
    for (const encoding of ["s16", "f32"] as const) {
      const again = await decodeAudio(encodeWav(channels, 44100, encoding));
      expect(again.sampleRate).toBe(44100);
      for (const [c, channel] of channels.entries()) expect(maxDifference(again.channels[c]!, channel)).toBe(0);
      const loud = await decodeAudio(encodeWav([Float32Array.of(2, -2)], 16000, encoding));
      expect(loud.channels[0]![0]).toBeCloseTo(1, 4);
      expect(loud.channels[0]![1]).toBe(-1);
    }
  });

  it("block by block gives the same file where the header can be patched, a readable one where not", async () => {
    const x = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i / 7) / 2);
    for (const encoding of ["s16", "f32"] as const) {
      for (const seekable of [true, false]) {
        const bytes: number[] = [];
        const writer = new WavWriter(
          {
            write: (part) => void bytes.push(...part),
            ...(seekable ? { patchHeader: (header) => void bytes.splice(0, header.length, ...header) } : {}),
          },
          22050,
          1,
          encoding,
        );
        for (let at = 0; at < x.length; at += 300) await writer.write([x.subarray(at, at + 300)]);
        await writer.close();
        const whole = encodeWav([x], 22050, encoding);
        if (seekable) expect(bytes).toEqual([...whole]);
        const read = await decodeAudio(Uint8Array.from(bytes));
        expect(maxDifference(read.channels[0]!, (await decodeAudio(whole)).channels[0]!)).toBe(0);
      }
    }
  });

  it("refuses channels of different lengths and bad rates", () => {
    expect(() => encodeWav([new Float32Array(1), new Float32Array(2)], 16000)).toThrow(AudioError);
    expect(() => encodeWav([new Float32Array(1)], 0)).toThrow(AudioError);
  });
});
