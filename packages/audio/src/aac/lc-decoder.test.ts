import { describe, expect, it } from "vitest";
import { AudioError } from "../errors.ts";
import { fixture, fixtureArray } from "../node-fixtures.ts";
import { decodeAudio } from "../open-audio.ts";
import { BitReader } from "./bit-reader.ts";
import { SCALE_FACTOR_CODEBOOK, SPECTRUM_CODEBOOKS } from "./codebooks.ts";
import { FilterBank } from "./filter-bank.ts";
import { audioSpecificConfig, parseStreamConfig } from "./stream-config.ts";

describe("AAC-LC against ffmpeg", () => {
  // The goldens hold every so many samples, channels interleaved.
  for (const [file, stride] of [
    ["exact-mono.m4a", 7],
    ["exact-stereo.m4a", 7],
    ["tools.aac", 17],
  ] as const) {
    it(`${file}: samples within 1e-6`, async () => {
      const { channels } = await decodeAudio(fixture(`containers/${file}`));
      const { data } = fixtureArray(`containers/${file.replace(/\..*/, ".ffmpeg.npy")}`);
      let worst = 0;
      let compared = 0;
      for (const [i, want] of data.entries()) {
        const at = i * stride;
        const got = channels[at % channels.length]![Math.floor(at / channels.length)];
        // The golden goes on to the end of the last packet.
        if (got === undefined) break;
        worst = Math.max(worst, Math.abs(got - want));
        compared++;
      }
      expect(compared).toBeGreaterThan(data.length * 0.95);
      expect(worst).toBeLessThan(1e-6);
    });
  }
});

describe("filter bank", () => {
  it("follows the standard's formula", () => {
    const spectrum = new Float64Array(1024);
    spectrum[37] = 32768;
    spectrum[1000] = -16384;
    const bank = new FilterBank();
    bank.run(new Float64Array(1024), 0, 0);
    const samples = bank.run(spectrum, 0, 0);
    for (let n = 0; n < 1024; n += 31) {
      const at = (k: number) => Math.cos(((2 * Math.PI) / 2048) * (n + 512.5) * (k + 0.5)) / 1024;
      const want = Math.sin((Math.PI / 2048) * (n + 0.5)) * (at(37) - at(1000) / 2);
      expect(samples[n]).toBeCloseTo(want, 9);
    }
  });
});

describe("Huffman tables", () => {
  it("hold each symbol once and use up every code word", () => {
    for (const { counts, symbols } of [SCALE_FACTOR_CODEBOOK, ...SPECTRUM_CODEBOOKS]) {
      expect(counts.reduce((sum, count, i) => sum + count / 2 ** (i + 1), 0)).toBe(1);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(symbols.length);
      expect([...symbols].sort((a, b) => a - b)).toEqual(Array.from(symbols, (_, i) => i));
    }
  });
});

describe("stream config", () => {
  it("comes back as it was written", () => {
    for (const [rate, channels] of [
      [16000, 1],
      [44100, 2],
      [96000, 8],
    ] as const) {
      expect(parseStreamConfig(audioSpecificConfig(rate, channels), "x")).toEqual({
        objectType: 2,
        coreType: 2,
        sampleRate: rate,
        channels,
        shortFrames: false,
      });
    }
    expect(() => audioSpecificConfig(12345, 1)).toThrow(AudioError);
  });

  it("tells the core of HE-AAC", () => {
    // Band replication from 22050 to 44100 Hz, two channels, over LC.
    const config = parseStreamConfig(Uint8Array.of(0x2b, 0x92, 0x08, 0x00), "x");
    expect(config).toMatchObject({ objectType: 5, coreType: 2, sampleRate: 22050, channels: 2 });
  });

  it("refuses what is cut or reserved", () => {
    expect(() => parseStreamConfig(Uint8Array.of(0x14), "x.m4a")).toThrow(/x\.m4a: file is corrupt: a damaged AAC/);
    expect(() => parseStreamConfig(Uint8Array.of(0, 0), "x.m4a")).toThrow(AudioError);
  });

  it("names a profile that cannot be decoded", async () => {
    const bytes = fixture("containers/adts.aac");
    bytes[2]! &= 0x3f;
    await expect(decodeAudio(bytes, { name: "x.aac" })).rejects.toThrow(
      "x.aac: AAC in the Main profile; expected the LC profile; convert the file, e.g. to wav",
    );
  });
});

describe("bit reader", () => {
  it("reads across bytes and refuses to pass the end", () => {
    const bits = new BitReader(Uint8Array.of(0b10110011, 0xff, 0x00, 0x81));
    expect([bits.read(3), bits.read(10), bits.flag()]).toEqual([0b101, 0b1001111111, true]);
    bits.align();
    expect([bits.position, bits.read(0), bits.read(16)]).toEqual([16, 0, 0x81]);
    expect(() => bits.read(1)).toThrow(/ends early/);
  });
});
