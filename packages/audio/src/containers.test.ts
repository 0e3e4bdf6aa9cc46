import { describe, expect, it } from "vitest";
import { AudioError } from "./errors.ts";
import { fixture, maxDifference } from "./node-fixtures.ts";
import { decodeAudio, openAudio } from "./open-audio.ts";
import { resample } from "./resample.ts";

/** Correlation of two signals over the samples both have, the second moved by `shift`. */
function correlation(a: Float32Array, b: Float32Array, shift = 0): number {
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = Math.max(0, -shift); i < Math.min(a.length, b.length - shift); i++) {
    ab += a[i]! * b[i + shift]!;
    aa += a[i]! ** 2;
    bb += b[i + shift]! ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

const cases = [
  ["speech.m4a", "mp4", "aac", 16000, 1, 35200],
  ["stereo.m4a", "mp4", "aac", 44100, 2, 44100],
  ["adts.aac", "adts", "aac", 16000, 1, 35840],
  ["speech.opus", "ogg", "opus", 48000, 1, 105600],
  ["opus.webm", "webm", "opus", 48000, 1, 105600],
  ["vorbis.webm", "webm", "vorbis", 16000, 1, 35328],
  ["flac.ogg", "ogg", "flac", 16000, 1, 8000],
  ["stereo.mp3", "mp3", "mp3", 44100, 2, 44100],
  ["noxing.mp3", "mp3", "mp3", 16000, 1, undefined],
] as const;

describe("other containers and codecs", () => {
  for (const [file, container, codec, rate, count, length] of cases) {
    it(`${file}: facts, length, and no delay against the original`, async () => {
      const stream = await openAudio(fixture(`containers/${file}`));
      expect([stream.container, stream.codec, stream.sampleRate, stream.numberOfChannels]).toEqual([
        container,
        codec,
        rate,
        count,
      ]);
      stream.close();
      const { channels } = await decodeAudio(fixture(`containers/${file}`));
      expect(channels.length).toBe(count);
      if (length) expect(channels[0]!.length).toBe(length);
      const source = file.startsWith("stereo") ? "audio/stereo44k.wav" : "audio/speech.flac";
      const original = await decodeAudio(fixture(source));
      const lags = file === "adts.aac" ? [] : [-480, -64, -2, 2, 64, 480];
      for (const [c, channel] of channels.entries()) {
        const decoded = resample(channel, rate, original.sampleRate);
        const want = original.channels[c]!.subarray(0, decoded.length);
        if (file === "noxing.mp3" || c === 1) continue;
        const here = correlation(want, decoded);
        expect(here).toBeGreaterThan(file === "vorbis.webm" || codec === "opus" ? 0.8 : 0.9);
        for (const lag of lags) expect(correlation(want, decoded, lag)).toBeLessThan(here);
      }
    });
  }
});

const everyFile = [
  ...cases.map(([file]) => `containers/${file}`),
  "containers/exact-stereo.m4a",
  "containers/tools.aac",
  "audio/speech16k.wav",
  "audio/speech.flac",
  "audio/speech.mp3",
  "audio/music.ogg",
];

describe("what the bytes lie in does not matter", () => {
  for (const file of everyFile) {
    it(`${file}: a Buffer inside a larger one, whole or piece by piece`, async () => {
      const bytes = fixture(file);
      const want = await decodeAudio(bytes);
      const larger = Buffer.alloc(bytes.length + 29, 0x5a);
      larger.set(bytes, 13);
      const inside = larger.subarray(13, 13 + bytes.length);
      const read = async (offset: number, length: number) => inside.subarray(offset, offset + length);
      for (const source of [inside, { size: inside.length, read }]) {
        const { channels } = await decodeAudio(source);
        expect(channels.length).toBe(want.channels.length);
        for (const [c, channel] of channels.entries()) expect(maxDifference(channel, want.channels[c]!)).toBe(0);
      }
    });
  }
});

describe("damaged files of every container", () => {
  for (const file of everyFile) {
    const bytes = fixture(file);

    it(`${file}: truncated anywhere is an AudioError`, async () => {
      for (const share of [0.001, 0.01, 0.1, 0.3, 0.5, 0.9, 0.99]) {
        const cut = bytes.slice(0, Math.max(1, Math.floor(bytes.length * share)));
        const result = await decodeAudio(cut, { name: file }).then(
          ({ channels }) => `decoded ${channels[0]!.length} samples`,
          (error: unknown) => error,
        );
        expect(result, `cut at ${share}`).toBeInstanceOf(AudioError);
        expect((result as AudioError).message).not.toContain("\n");
        if (share >= 0.5) expect((result as AudioError).message).toMatch(/truncated/);
      }
    });

    it(`${file}: bytes overwritten give an AudioError or samples, never another error`, async () => {
      let random = 12345;
      for (let trial = 0; trial < 12; trial++) {
        const broken = bytes.slice();
        for (let i = 0; i < 1 + trial * 3; i++) {
          random = (Math.imul(random, 1103515245) + 12345) >>> 0;
          broken[random % broken.length] = random >>> 24;
        }
        const result = await decodeAudio(broken, { name: file }).catch((error: unknown) => error);
        if (result instanceof Error) {
          expect(result).toBeInstanceOf(AudioError);
          expect(result.message).not.toContain("\n");
        }
      }
    });
  }

  it("checksums notice single flipped bytes in flac and ogg", async () => {
    for (const file of ["audio/speech.flac", "audio/music.ogg", "containers/speech.opus"]) {
      const broken = fixture(file);
      broken[Math.floor(broken.length / 2)]! ^= 0x10;
      await expect(decodeAudio(broken)).rejects.toThrow(/corrupt/);
    }
  });

  it("empty, unknown and text input", async () => {
    await expect(openAudio(new Uint8Array(0), { name: "x.wav" })).rejects.toThrow(/x\.wav: empty, 0 bytes/);
    await expect(openAudio(new TextEncoder().encode("not audio at all, just text"))).rejects.toThrow(AudioError);
    await expect(openAudio({ size: 0, read: async () => new Uint8Array(0) })).rejects.toThrow(AudioError);
  });
});
