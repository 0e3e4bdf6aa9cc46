/** What the writers of flac and Opus make, read by a decoder that is none of ours: Chromium's. */
import { readFileSync } from "node:fs";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodeAudio, FlacWriter, Random, resample } from "../../packages/audio/src/index.ts";
import { encodeAudio } from "../../packages/audio/src/node.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let page: Page;
beforeAll(async () => {
  browser = await launchChromium();
  page = await browser.newPage();
});
afterAll(() => browser?.close());

/** Channels of a file as Chromium hears it at `rate`. */
async function heard(file: Uint8Array, rate: number): Promise<Float32Array[]> {
  const channels = await page.evaluate(
    async ([base64, sampleRate]) => {
      const bytes = Uint8Array.from(atob(base64 as string), (c) => c.charCodeAt(0));
      const buffer = await new OfflineAudioContext(1, 1, sampleRate as number).decodeAudioData(bytes.buffer);
      return Array.from({ length: buffer.numberOfChannels }, (_, i) => [...buffer.getChannelData(i)]);
    },
    [Buffer.from(file).toString("base64"), rate] as const,
  );
  return channels.map((c) => Float32Array.from(c));
}

async function speech(): Promise<Float32Array> {
  const { channels } = await decodeAudio(readFileSync(new URL("../fixtures/audio/speech16k.wav", import.meta.url)));
  return channels[0]!;
}

const integers = (samples: Float32Array) => Array.from(samples, (x) => Math.round(x * 32768));
/** Chromium divides positive samples by 32,767. */
const chromiumIntegers = (samples: Float32Array) => Array.from(samples, (x) => Math.round(x * (x > 0 ? 32767 : 32768)));

test("flac: speech, tones, clicks and noise in two channels, to the bit", async () => {
  const random = new Random(3);
  const left = await speech();
  const right = left.map((_, i) =>
    i < 9000 ? random.uniform(-1, 1) : i < 18_000 ? 0.5 * Math.sin(i / 7) : i === 20_000 ? 1 - 2 ** -15 : 0,
  );
  const rounded = right.map((x) => Math.round(x * 32767) / 32768);
  const channels = await heard(await encodeAudio("flac", [left, rounded], 16_000), 16_000);
  expect(channels.map(chromiumIntegers)).toEqual([integers(left), integers(rounded)]);
});

test("flac as it was made, without a length in its header, to the bit", async () => {
  const samples = await speech();
  const parts: Uint8Array[] = [];
  const writer = new FlacWriter({ write: (part) => void parts.push(part) }, 16_000, 1);
  for (let at = 0; at < samples.length; at += 5000) await writer.write([samples.subarray(at, at + 5000)]);
  await writer.close();
  const [channel] = await heard(Buffer.concat(parts), 16_000);
  expect(chromiumIntegers(channel!)).toEqual(integers(samples));
});

test("opus: what our own reader hears, which is whole", async () => {
  const samples = resample(await speech(), 16_000, 48_000);
  const file = await encodeAudio("opus", [samples], 48_000);
  const [channel] = await heard(file, 48_000);
  const { channels } = await decodeAudio(file);
  expect(channels[0]!.length).toBe(samples.length);
  // this Chromium skips the encoder's lag twice
  const skipped = samples.length - channel!.length;
  expect([0, 312]).toContain(skipped);
  const worst = channel!.reduce((most, x, i) => Math.max(most, Math.abs(x - channels[0]![i + skipped]!)), 0);
  expect(worst).toBeLessThan(1e-3);
});
