/** Live codes against those of `encode`, which tests/parity compares with upstream's. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decodeAudio, Random } from "@uat/audio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AudioTokenizer, type LiveEncodeOptions } from "./index.ts";

const fixtures = fileURLToPath(new URL("../../../tests/fixtures/", import.meta.url));

async function* inBlocks(samples: Float32Array, size = 1237): AsyncGenerator<Float32Array> {
  for (let at = 0; at < samples.length; at += size) yield samples.subarray(at, at + size);
}

async function live(tokenizer: AudioTokenizer, samples: Float32Array, options: LiveEncodeOptions = {}) {
  const codes: number[] = [];
  const starts: number[] = [];
  let duration = 0;
  for await (const chunk of tokenizer.encodeLive({ stream: inBlocks(samples), sampleRate: 16_000 }, options)) {
    starts.push(chunk.start);
    codes.push(...chunk.codes);
    duration += chunk.duration;
  }
  return { codes, starts, duration };
}

/** Noise whose loudest moment comes first: later sounds do not move the floor of the features. */
function noise(seconds: number): Float32Array {
  const random = new Random(7);
  return Float32Array.from({ length: seconds * 16_000 }, (_, i) => random.normal() * (i < 4000 ? 0.2 : 0.05));
}

describe.each(["glm4voice", "glm4voice-max-pool0", "causal-attn"])("%s, causal or block-causal", (variant) => {
  let tokenizer: AudioTokenizer;
  beforeAll(async () => {
    tokenizer = await AudioTokenizer.fromPretrained(`${fixtures}tokenizers/${variant}/checkpoint`, { device: "cpu" });
  });
  afterAll(() => tokenizer.dispose());

  test.each([3.3, 31.7])("live codes of %f s are those of encode", async (seconds) => {
    const samples = noise(seconds);
    const [clip] = (await tokenizer.encode({ samples, sampleRate: 16_000 })).clips;
    const { codes, starts, duration } = await live(tokenizer, samples, { chunk: 2 });
    expect(codes).toEqual([...(clip?.codes ?? [])]);
    expect(duration).toBeCloseTo(samples.length / 16_000, 6);
    expect(starts.length).toBeGreaterThanOrEqual(seconds / 2.41);
    expect(tokenizer.liveIsExact).toBe(true);
  });

  test("codes come as soon as their block is heard, not later", async () => {
    let pushed = 0;
    async function* counted() {
      for await (const block of inBlocks(noise(4), 160)) {
        pushed += block.length;
        yield block;
      }
    }
    const first = (await tokenizer.encodeLive({ stream: counted(), sampleRate: 16_000 }, { chunk: 0.8 }).next()).value;
    // 25 ms for the convolutions and the transform, and the resampler hands on whole blocks
    const heard = (first?.codes.length ?? 0) / tokenizer.frameRate;
    expect(pushed / 16_000 - heard).toBeGreaterThanOrEqual(0);
    expect(pushed / 16_000 - heard).toBeLessThan(0.04);
  });
});

describe("base, which hears 30 s at once", () => {
  let tokenizer: AudioTokenizer;
  let speech: Float32Array;
  beforeAll(async () => {
    tokenizer = await AudioTokenizer.fromPretrained("base", { device: "cpu", threads: 1 });
    const { channels } = await decodeAudio(readFileSync(`${fixtures}audio/speech16k.wav`));
    speech = channels[0]!.slice(0, 3 * 16_000);
  });
  afterAll(() => tokenizer.dispose());

  test("as many codes come as offline; with all of the audio ahead, the very same", async () => {
    const [clip] = (await tokenizer.encode({ samples: speech, sampleRate: 16_000 })).clips;
    const offline = [...(clip?.codes ?? [])];
    const { codes } = await live(tokenizer, speech);
    expect(codes.length).toBe(offline.length);
    expect((await live(tokenizer, speech, { lookAhead: 30 })).codes).toEqual(offline);
    expect(tokenizer.liveIsExact).toBe(false);
  });

  test.each([{ chunk: 0.01 }, { chunk: 31 }, { lookAhead: -1 }, { context: Number.NaN }])(
    "%o is refused",
    async (options) => {
      await expect(live(tokenizer, speech, options)).rejects.toThrow(/: expected seconds/);
    },
  );
});
