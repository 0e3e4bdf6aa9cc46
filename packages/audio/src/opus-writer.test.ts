import { expect, test } from "vitest";
import { decodeAudio, resample } from "./index.ts";
import { encodeAudio, openAudioWriter } from "./node.ts";
import { fixture } from "./node-fixtures.ts";

const RATE = 48_000;

/** Decibels of the wanted signal over what differs from it. */
function signalToNoise(wanted: Float32Array, got: Float32Array): number {
  expect(got.length).toBe(wanted.length);
  let signal = 0;
  let noise = 0;
  for (let i = 0; i < wanted.length; i++) {
    signal += wanted[i]! ** 2;
    noise += (wanted[i]! - got[i]!) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

async function speech(rate: number): Promise<Float32Array> {
  const { channels, sampleRate } = await decodeAudio(fixture("audio/speech16k.wav"));
  return resample(channels[0]!, sampleRate, rate);
}

test.each([16_000, 22_050, 24_000, 48_000])("speech at %i Hz comes back in place, whole and alike", async (rate) => {
  const samples = await speech(rate);
  const bytes = await encodeAudio("opus", [samples], rate);
  const { channels, sampleRate } = await decodeAudio(bytes);
  expect(sampleRate).toBe(RATE);
  expect(signalToNoise(resample(samples, rate, RATE), channels[0]!)).toBeGreaterThan(20);
  // 64 kb/s, and at most a tenth of it for pages
  expect((bytes.length * 8) / (samples.length / rate)).toBeLessThan(70_000);
});

test("two channels stay apart", async () => {
  const left = await speech(RATE);
  const right = left.map((_, i) => 0.3 * Math.sin(i / 20));
  const { channels } = await decodeAudio(await encodeAudio("opus", [left, right], RATE));
  expect(signalToNoise(left, channels[0]!)).toBeGreaterThan(15);
  expect(signalToNoise(right, channels[1]!)).toBeGreaterThan(20);
});

test("block by block it sounds as at once, and every block leaves when it came but for a frame", async () => {
  const samples = await speech(24_000);
  const parts: Uint8Array[] = [];
  const writer = await openAudioWriter("opus", { write: (part) => void parts.push(part) }, 24_000, 1);
  let given = 0;
  const lengths = [1, 479, 480, 481, 5000, 24_000, samples.length];
  for (const length of lengths) {
    await writer.write([samples.subarray(given, given + length)]);
    given = Math.min(samples.length, given + length);
    const page = parts.at(-1)!;
    const granule = Number(new DataView(page.buffer).getBigInt64(6, true));
    // the encoder's lag is no lack of samples: it is filled up at the end
    expect(granule).toBeGreaterThan(2 * given - 960 - 30);
  }
  await writer.close();
  const whole = await decodeAudio(await encodeAudio("opus", [samples], 24_000));
  const { channels } = await decodeAudio(Buffer.concat(parts));
  expect(channels).toEqual(whole.channels);
});

test.each([0, 1, 648, 649, 960])("%i samples", async (length) => {
  const { channels } = await decodeAudio(await encodeAudio("opus", [new Float32Array(length)], RATE));
  expect(channels[0]?.length ?? 0).toBe(length);
});

test("hundreds of files, one after the other and side by side, do not disturb each other", async () => {
  const samples = (await speech(RATE)).subarray(0, 20_000);
  const alone = await encodeAudio("opus", [samples], RATE);
  for (let i = 0; i < 300; i++) {
    const writer = await openAudioWriter("opus", { write: () => undefined }, RATE, 1);
    await writer.write([samples.subarray(0, 2000)]);
    if (i % 2) await writer.close();
    writer.abandon();
  }
  const files = await Promise.all(
    Array.from({ length: 250 }, async () => {
      const parts: Uint8Array[] = [];
      const writer = await openAudioWriter("opus", { write: (part) => void parts.push(part) }, RATE, 1);
      return { parts, writer };
    }),
  );
  const audible = [0, 100, 249].map((i) => files[i]!);
  for (const { writer } of audible) await writer.write([samples]);
  for (const { parts, writer } of audible) {
    await writer.close();
    expect(Buffer.compare(Buffer.concat(parts), alone)).toBe(0);
  }
  for (const { writer } of files) writer.abandon();
});

test("what the format cannot hold is told", async () => {
  const silence = new Float32Array(4);
  await expect(encodeAudio("opus", [silence, silence, silence], RATE)).rejects.toThrow(/3 channels: expected 1 or 2/);
  await expect(encodeAudio("opus", [silence], RATE, "f32")).rejects.toThrow(/only wav holds floats/);
});
