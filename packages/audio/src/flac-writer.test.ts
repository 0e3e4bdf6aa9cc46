import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeFlacFrame } from "./flac-encoder.ts";
import { decodeFlacFrame } from "./flac-frame.ts";
import { decodeAudio, FlacWriter, Random } from "./index.ts";
import { encodeAudio } from "./node.ts";

const samplesOf = (integers: Int16Array): Float32Array => Float32Array.from(integers, (x) => x / 32768);

/** Reads a file with the decoder of this package, which checks every checksum, back to 16-bit integers. */
async function read(bytes: Uint8Array): Promise<{ channels: Int16Array[]; sampleRate: number }> {
  const { channels, sampleRate } = await decodeAudio(bytes);
  return { channels: channels.map((c) => Int16Array.from(c, (x) => x * 32768)), sampleRate };
}

const random = new Random(5);
const draw = (length: number, next: (i: number) => number) =>
  Int16Array.from({ length }, (_, i) => Math.max(-32768, Math.min(32767, Math.round(next(i)))));

const SIGNALS: Record<string, Int16Array> = {
  silence: new Int16Array(9000),
  "one sample": Int16Array.of(-32768),
  "two samples": Int16Array.of(32767, -32768),
  "a whole block": draw(4096, (i) => 9000 * Math.sin(i / 9)),
  "a block and one sample": draw(4097, (i) => 9000 * Math.sin(i / 9)),
  "full-scale noise": draw(10_000, () => 65_536 * (random.uniform() - 0.5)),
  "quiet noise": draw(10_000, () => 3 * random.normal()),
  "alternating extremes": draw(5000, (i) => (i % 2 ? -32768 : 32767)),
  "silence with one click": draw(8192, (i) => (i === 5000 ? 32767 : 0)),
  "a decaying tone": draw(20_000, (i) => 30_000 * Math.exp(-i / 3000) * Math.sin(i / 5)),
};

test.each(Object.entries(SIGNALS))("%s comes back to the bit", async (_, signal) => {
  const bytes = await encodeAudio("flac", [samplesOf(signal)], 22_050);
  const { channels, sampleRate } = await read(bytes);
  expect(sampleRate).toBe(22_050);
  expect(channels).toHaveLength(1);
  expect(Buffer.compare(Buffer.from(channels[0]!.buffer), Buffer.from(signal.buffer))).toBe(0);
});

test("tones and silence take less than half of wav, noise hardly more", async () => {
  const share = async (name: string) =>
    (await encodeAudio("flac", [samplesOf(SIGNALS[name]!)], 22_050)).length / (2 * SIGNALS[name]!.length);
  expect(await share("silence")).toBeLessThan(0.01);
  expect(await share("a decaying tone")).toBeLessThan(0.5);
  expect(await share("quiet noise")).toBeLessThan(0.3);
  expect(await share("full-scale noise")).toBeLessThan(1.01);
});

test("any samples, channels, rates and blocks", async () => {
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 8 }),
    fc.constantFrom(1000, 8000, 11_025, 24_000, 44_100, 96_000, 352_800),
    fc.array(fc.integer({ min: 0, max: 6000 }), { maxLength: 4 }),
    fc.integer({ min: 0, max: 16 }),
    async (count, rate, lengths, bits) => {
      const total = lengths.reduce((n, length) => n + length, 0);
      const signals = Array.from({ length: count }, () => draw(total, () => 2 ** bits * (random.uniform() - 0.5)));
      const parts: Uint8Array[] = [];
      const writer = new FlacWriter({ write: (part) => void parts.push(part) }, rate, count);
      let at = 0;
      for (const length of lengths) {
        await writer.write(signals.map((s) => samplesOf(s.subarray(at, at + length))));
        at += length;
      }
      await writer.close();
      const { channels, sampleRate } = await read(Buffer.concat(parts));
      expect(sampleRate).toBe(rate);
      expect(channels.map((c) => [...c])).toEqual(signals.map((s) => [...s]));
    },
  );
  await fc.assert(property, { numRuns: 40, seed: 6 });
});

test.each([0, 127, 128, 2047, 2048, 65_535, 65_536, 0x10ffff])("frame %i is numbered as UTF-8 would", (number) => {
  const frame = encodeFlacFrame([new Int16Array(16)], 24_000, number);
  const coded = new TextEncoder().encode(String.fromCodePoint(number));
  expect([...frame.subarray(4, 4 + coded.length)]).toEqual([...coded]);
  const info = { sampleRate: 24_000, channels: 1, bits: 16, totalSamples: 0, maxBlockSize: 4096 };
  expect(decodeFlacFrame(frame, 0, info)).toMatchObject({ blockSize: 16, end: frame.length });
});

test("what the format cannot hold is told", async () => {
  const sink = { write: () => undefined };
  expect(() => new FlacWriter(sink, 24_000, 9)).toThrow(/9 channels.*write wav/);
  await expect(encodeAudio("flac", [new Float32Array(4)], 24_000, "f32")).rejects.toThrow(/only wav holds floats/);
  const writer = new FlacWriter(sink, 24_000, 1);
  await expect(writer.write([new Float32Array(1), new Float32Array(1)])).rejects.toThrow(/block of 2 channels/);
});
