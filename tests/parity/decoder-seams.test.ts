/** Audio that is decoded while codes come in, against the same codes in one piece: joins are not to be heard. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AudioDecoder, AudioTokenizer, type DecodeStreamOptions } from "../../packages/codec/src/index.ts";
import { measureSeams } from "../../packages/evaluation/src/index.ts";

const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const settings = { device: "cpu", threads: 1 } as const;

async function inChunks(decoder: AudioDecoder, codes: Int32Array, options: DecodeStreamOptions) {
  const chunks: Float32Array[] = [];
  for await (const chunk of decoder.decodeStream(codes, options)) chunks.push(chunk);
  return chunks;
}

/**
 * Share of all places that joins may be rougher than: a fifth more than half of them, or than at the same places of the audio
 * in one piece, where few joins may fall on beats.
 */
const roughest = (ownRank: number) => Math.max(0.5, ownRank) + 0.2;

/** No click, no place rougher than the roughest of the audio in one piece, and joins like other places. */
function expectNoSeams(name: string, chunks: readonly Float32Array[], whole: Float32Array): void {
  const { joins, step, flux, rank, ownRank } = measureSeams(chunks, whole);
  const told = [step, flux, rank, ownRank].map((value) => value.toFixed(2));
  console.log(`${name}: ${joins} joins, step ${told[0]}, flux ${told[1]}, rank ${told[2]} (in one piece ${told[3]})`);
  expect(step).toBeLessThanOrEqual(1);
  expect(flux).toBeLessThanOrEqual(1);
  expect(rank).toBeLessThan(roughest(ownRank));
}

/** Chunks hardly louder or softer than the same samples of the audio in one piece: 3 dB are twice the power. */
function expectLevels(name: string, chunks: readonly Float32Array[], whole: Float32Array): void {
  let at = 0;
  const changes = chunks.map((chunk) => {
    const piece = whole.subarray(at, at + chunk.length);
    at += chunk.length;
    return 20 * Math.log10(rootMeanSquare(chunk) / rootMeanSquare(piece));
  });
  console.log(`${name}: levels ${Math.min(...changes).toFixed(1)} to ${Math.max(...changes).toFixed(1)} dB`);
  for (const change of changes) expect(Math.abs(change)).toBeLessThan(3);
}

const rootMeanSquare = (samples: Float32Array) =>
  Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);

describe("base", () => {
  let tokenizer: AudioTokenizer;
  let decoder: AudioDecoder;
  beforeAll(async () => {
    tokenizer = await AudioTokenizer.fromPretrained(at("models/base"), settings);
    decoder = await AudioDecoder.fromPretrained(at("models/base"), settings);
  });
  afterAll(async () => {
    await tokenizer.dispose();
    await decoder.dispose();
  });

  const decoded = async (clip: string, blockSize: number) => {
    const { clips } = await tokenizer.encode(at(`models/samples/${clip}.flac`));
    const codes = clips[0]!.codes;
    const { waveform } = await decoder.decode(codes);
    return { chunks: await inChunks(decoder, codes, { blockSize }), waveform };
  };

  test.each([
    ["speech", 6],
    ["speech", 25],
    ["scene", 25],
    ["music", 12],
    ["music", 25],
  ] as const)("%s, blocks of %i", async (clip, blockSize) => {
    const { chunks, waveform } = await decoded(clip, blockSize);
    expectNoSeams(`base, ${clip}, blocks of ${blockSize}`, chunks, waveform);
    expectLevels(`base, ${clip}, blocks of ${blockSize}`, chunks, waveform);
  });

  test("clicks of a tenth of full scale would be found", async () => {
    const { chunks, waveform } = await decoded("speech", 25);
    const clicking = chunks.map((chunk) => chunk.map((x, i) => (i === 0 ? x + 0.1 : x)));
    expect(measureSeams(clicking, waveform).step).toBeGreaterThan(1);
  });
});

describe("flow matching and HiFT (the fixtures' small networks)", () => {
  let decoder: AudioDecoder;
  const codes = Int32Array.from({ length: 150 }, (_, i) => (i * 97 + 13 * Math.floor(i / 7)) % 512);
  let whole: Float32Array;
  beforeAll(async () => {
    decoder = await AudioDecoder.fromPretrained(at("tests/fixtures/decoders/uniaudio/checkpoint"), settings);
    whole = (await decoder.decode(codes)).waveform;
  });
  afterAll(() => decoder.dispose());

  test.each<[string, DecodeStreamOptions]>([
    ["all codes as prompt, blocks of 10", { blockSize: 10 }],
    ["all codes as prompt, blocks of 25", { blockSize: 25 }],
    ["a window of 16, blocks of 10", { blockSize: 10, window: 16 }],
    ["a window of 25, blocks of 25", { blockSize: 25, window: 25 }],
  ])("%s", async (name, options) => {
    expectNoSeams(`flow, ${name}`, await inChunks(decoder, codes, options), whole);
  });

  test("20 ms of silence would be found", async () => {
    const chunks = await inChunks(decoder, codes, { blockSize: 25, window: 25 });
    const halting = chunks.map((chunk) => Float32Array.from([...new Float32Array(441), ...chunk]));
    const { flux, rank, ownRank } = measureSeams(halting, whole);
    expect(flux).toBeGreaterThan(1);
    expect(rank).toBeGreaterThan(roughest(ownRank));
  });
});
