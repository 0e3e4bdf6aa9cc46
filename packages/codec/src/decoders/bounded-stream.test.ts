import { fileURLToPath } from "node:url";
import { createRuntime, type Runtime } from "@uat/graph";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { directoryFiles } from "../checkpoint/node/file-source.ts";
import { ContinuousVoice } from "./continuous-voice.ts";
import { loadFlowDecoder } from "./flow-decoder.ts";
import { concatMel, emptyMel, sliceMel } from "./mel.ts";
import type { SpectrogramDecoder } from "./spectrogram-decoder.ts";

const folder = fileURLToPath(new URL("../../../../tests/fixtures/decoders/uniaudio/checkpoint", import.meta.url));
const BLOCK = 12;
const WINDOW = 16;
const N = 89;
const tokens = Int32Array.from({ length: N }, (_, i) => (i * 97 + 13 * Math.floor(i / 7)) % 512);

let runtime: Runtime;
let decoder: SpectrogramDecoder;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu" });
  decoder = await loadFlowDecoder(directoryFiles(folder), "decoder", runtime);
});
afterAll(async () => {
  await decoder.dispose();
  await runtime.dispose();
});
afterEach(() => vi.restoreAllMocks());

async function stream(codes: Parameters<SpectrogramDecoder["decodeStream"]>[0], options = {}) {
  const parts: Float32Array[] = [];
  for await (const part of decoder.decodeStream(codes, { blockSize: BLOCK, window: WINDOW, ...options }))
    parts.push(part);
  return parts;
}

const joined = (parts: Float32Array[]) => Float32Array.from(parts.flatMap((p) => Array.from(p)));

describe("windowed streaming", () => {
  test("gives all samples of all frames, the same at every run, in bounded steps", async () => {
    const mel = vi.spyOn(decoder.melModel, "mel");
    const parts = await stream(tokens);
    expect(parts.length).toBe(Math.ceil(N / BLOCK));
    const samples = joined(parts);
    expect(samples.length).toBe(256 * decoder.melModel.frames(N));
    expect(samples.every((v) => Math.abs(v) <= 0.99)).toBe(true);
    const sizes = mel.mock.calls.map(([input]) => input.tokens.length);
    expect(sizes.slice(2, -1).every((n) => n === WINDOW + BLOCK)).toBe(true);
    expect(Math.max(...sizes)).toBe(WINDOW + BLOCK);
    expect(joined(await stream(tokens))).toEqual(samples);
    expect(joined(await stream(tokens, { seed: 7 }))).not.toEqual(samples);
  });

  test("joins are no rougher than the rest", async () => {
    const parts = await stream(tokens);
    const samples = joined(parts);
    const step = (i: number) => Math.abs((samples[i] as number) - (samples[i - 1] as number));
    let at = 0;
    for (const part of parts.slice(0, -1)) {
      at += part.length;
      // around the join, the seam's frame left out
      let within = 0;
      for (let i = at - 2048; i < at + 2048; i++) if (Math.abs(i - at) > 256) within = Math.max(within, step(i));
      let seam = 0;
      for (let i = at - 8; i < at + 256 + 8; i++) seam = Math.max(seam, step(i));
      expect(seam).toBeLessThanOrEqual(1.2 * within);
    }
  });

  test("takes codes as they come, in any portions", async () => {
    async function* live() {
      for (let i = 0; i < N; i += 5) yield tokens.subarray(i, i + 5);
    }
    expect(joined(await stream(live()))).toEqual(joined(await stream(tokens)));
  });

  test("decode with a window has the length of a decode in one piece", async () => {
    const shares: number[] = [];
    const waveform = await decoder.decode(tokens, { window: 20, onProgress: (s) => shares.push(s) });
    expect(waveform.length).toBe(256 * decoder.melModel.frames(N));
    expect(shares.at(-1)).toBe(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
  });
});

test("a voice sounds the same in one piece and in several", async () => {
  const { mel } = await decoder.synthesize(tokens.subarray(0, 40));
  const none = emptyMel(mel.bins);
  const whole = await new ContinuousVoice(decoder.vocoder, 3).say(mel, none);
  const voice = new ContinuousVoice(decoder.vocoder, 3);
  const parts: Float32Array[] = [];
  let start = 0;
  for (const end of [20, 61, 100, mel.frames]) {
    const { waveform } = await voice.say(sliceMel(mel, start, end), sliceMel(mel, end));
    parts.push(waveform);
    start = end;
  }
  const worst = joined(parts).reduce((w, v, i) => Math.max(w, Math.abs(v - (whole.waveform[i] as number))), 0);
  // phases are rounded to float32, from sums that are wrapped at other places
  expect(worst).toBeLessThan(1e-4);
});

test("tiles of the vocoder join to what one piece gives", async () => {
  const { mel } = await decoder.synthesize(tokens.subarray(0, 60));
  const long = concatMel(mel, mel, mel);
  const f0 = await decoder.vocoder.f0(long);
  const draws = { phases: new Float32Array(9), noise: () => new Float32Array(long.frames * 256) };
  const source = decoder.vocoder.excitation(f0, draws);
  const tiled = await decoder.vocoder.waveform(long, source);
  // the middle again, from a piece that is one tile
  const { reach } = decoder.vocoder;
  const [from, to] = [150, 450];
  const piece = await decoder.vocoder.waveform(sliceMel(long, from, to), source.slice(from * 256, to * 256));
  let worst = 0;
  for (let i = reach * 256; i < (to - from - reach) * 256; i++)
    worst = Math.max(worst, Math.abs((piece[i] as number) - (tiled[from * 256 + i] as number)));
  expect(long.frames).toBeGreaterThan(512);
  expect(worst).toBeLessThan(1e-5);
});

describe("what does not fit is refused in one line", () => {
  const refused = async (run: () => Promise<unknown>, words: RegExp) => {
    const error = await run().then(
      () => undefined,
      (e: Error & { isInputError?: boolean }) => e,
    );
    expect(error?.message).toMatch(words);
    expect(error?.message).not.toContain("\n");
    expect(error?.isInputError).toBe(true);
  };

  test("codes", async () => {
    await refused(() => decoder.decode([]), /no codes/);
    await refused(() => decoder.decode([1, 512]), /code 1 is 512.*below 512/);
    await refused(() => decoder.decode([1.5]), /code 0 is 1.5/);
    await refused(() => decoder.decode([Number.NaN]), /code 0 is NaN/);
    await refused(() => stream([]), /no codes/);
    await refused(() => stream([...tokens, 9999]), /code 89 is 9999/);
  });

  test("settings", async () => {
    await refused(() => decoder.decode(tokens, { seed: 0.5 }), /seed 0.5/);
    await refused(() => decoder.decode(tokens, { embedding: new Float32Array(3) }), /3 values, expected 192/);
    await refused(() => stream(tokens, { blockSize: 5 }), /block size 5.*above 5/);
    await refused(() => stream(tokens, { window: 4.5 }), /window 4.5/);
    await refused(() => decoder.decode(tokens, { window: 5 }), /window 5/);
    const mel = { data: new Float32Array(80 * 900), frames: 900 };
    await refused(() => decoder.decode([1, 2], { prompt: { tokens: [1], mel } }), /900 frames, more than the 10/);
    const short = { data: new Float32Array(79), frames: 1 };
    await refused(() => decoder.decode([1, 2], { prompt: { tokens: [1], mel: short } }), /79 values/);
    const all = { data: new Float32Array(80 * 10), frames: 10 };
    await refused(() => decoder.decode([1, 2], { prompt: { tokens: [1], mel: all } }), /no mel frames beyond/);
    all.data[3] = Number.NaN;
    await refused(() => decoder.decode([1, 2], { prompt: { tokens: [1], mel: all } }), /not finite/);
  });
});

test("negative codes count as 0", async () => {
  expect(await decoder.decode([-3, 5, 9])).toEqual(await decoder.decode([0, 5, 9]));
});

test("stops when told to", async () => {
  const abort = new AbortController();
  const run = decoder.decode(tokens, { signal: abort.signal, onProgress: () => abort.abort() });
  await expect(run).rejects.toThrow(/abort/i);
});
