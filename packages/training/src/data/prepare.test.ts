import { readFileSync } from "node:fs";
import {
  DECODER_HOP_LENGTH,
  decodeAudio,
  decoderMel,
  encodeWav,
  padWithZeros,
  pickChannel,
  resample,
  whisperFeatures,
} from "@uat/audio";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { type BatchItem, collateText, decoderCollate, type Padding, tokenizerCollate } from "./collate.ts";
import { decodeClip } from "./decode-clip.ts";
import type { Clip } from "./example.ts";
import { fixturePath } from "./fixtures.ts";
import {
  isRandom,
  longestSamples,
  type PreparationSettings,
  parsePreparation,
  prepareClip,
  type TokenizerPreparation,
} from "./prepare.ts";

const file = (name: string): Clip => ({ audio: { path: fixturePath(`audio/${name}`) } });
const decoded = async (name: string) => decodeAudio(readFileSync(fixturePath(`audio/${name}`)), { name });
const clipOf = (samples: Float32Array, rate = 16000): Clip => ({
  audio: { bytes: encodeWav([samples], rate, "f32"), name: "made.wav" },
});
const made = (length: number, seed = 1): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length }, () => random.uniform(-0.5, 0.5));
};
const item = async (clip: Clip, settings: PreparationSettings, seed = 0): Promise<BatchItem> => ({
  ...(await prepareClip(clip, parsePreparation(settings), seed)),
  example: { id: "x", labels: {}, ...clip },
});

describe("decodeClip", () => {
  it("averages channels, resamples, and takes a stretch", async () => {
    const { channels, sampleRate } = await decoded("stereo44k.wav");
    const whole = resample(pickChannel(channels, "mean"), sampleRate, 16000);
    const options = { sampleRate: 16000, channel: "mean" } as const;
    expect(await decodeClip(file("stereo44k.wav"), options)).toEqual(whole);
    const part = await decodeClip({ ...file("stereo44k.wav"), start: 0.5, duration: 1.25 }, options);
    expect(part).toEqual(whole.slice(8000, 28000));
    expect(await decodeClip(file("stereo44k.wav"), { ...options, maxSeconds: 0.1 })).toEqual(whole.slice(0, 1600));
    expect(await decodeClip(file("stereo44k.wav"), { ...options, channel: 1 })).toEqual(
      resample(channels[1]!, sampleRate, 16000),
    );
  });

  it("says what is wrong with a clip", async () => {
    const options = { sampleRate: 16000, channel: "mean" } as const;
    await expect(decodeClip({ ...file("speech16k.wav"), start: 9 }, options)).rejects.toThrow(
      /speech16k.wav: begins at 9 s of 3.00 s/,
    );
    await expect(decodeClip(file("none.wav"), options)).rejects.toThrow(/none.wav: no such file/);
    const empty = { audio: { bytes: new Uint8Array(0), name: "list#3" } };
    await expect(decodeClip(empty, options)).rejects.toThrow("list#3: has no audio");
    await expect(decodeClip(clipOf(new Float32Array(0)), options)).rejects.toThrow("made.wav: holds no samples");
  });
});

describe("preparations", () => {
  it("of the decoder are samples and mel of whole frames", async () => {
    const { tensors, length } = await prepareClip(file("float32_22k.wav"), parsePreparation({ name: "decoder" }), 0);
    const { channels } = await decoded("float32_22k.wav");
    expect(length).toBe(44100);
    const { data, frames } = decoderMel(channels[0]!);
    expect(tensors.mel).toEqual({ data, shape: [80, frames] });
    expect(tensors.samples).toEqual({
      data: channels[0]!.slice(0, frames * DECODER_HOP_LENGTH),
      shape: [frames * 256],
    });
  });

  it("of the flow decoder show the tokeniser the same stretch", async () => {
    const settings = { name: "flow", mels: 80, maxSeconds: 0.5, crop: "random" } as const;
    const { tensors, length } = await prepareClip(file("float32_22k.wav"), parsePreparation(settings), 7);
    expect(length).toBe(8000);
    expect(tensors.mel?.shape).toEqual([80, 43]);
    const { mels: _mels, ...alone } = settings;
    const decoder = await item(file("float32_22k.wav"), { ...alone, name: "decoder" }, 7);
    expect(decoder.tensors.mel).toEqual(tensors.mel);
    // the features are those of the same samples at 16 kHz
    const heard = await item(file("float32_22k.wav"), { ...alone, name: "samples", sampleRate: 22050 }, 7);
    const samples = resample(heard.tensors.samples!.data as Float32Array, 22050, 16000);
    expect(tensors.features!.data).toEqual(whisperFeatures(padWithZeros(samples, 8320), 80).data);
  });

  it("of raw samples come at the rate asked for", async () => {
    const settings = { name: "samples", sampleRate: 24000, channel: 0 } as const;
    const { tensors } = await prepareClip(file("speech16k.wav"), parsePreparation(settings), 0);
    const { channels } = await decoded("speech16k.wav");
    expect(tensors.samples).toEqual({ data: resample(channels[0]!, 16000, 24000), shape: [72000] });
  });

  it("crop at random, but by the clip's seed alone", async () => {
    const long = clipOf(made(40000));
    const settings = { name: "samples", sampleRate: 16000, maxSeconds: 1, crop: "random" } as const;
    const crops = await Promise.all(
      [1, 1, 2, 3].map(async (seed) => (await item(long, settings, seed)).tensors.samples!),
    );
    expect(crops[0]).toEqual(crops[1]);
    expect(crops[0]).not.toEqual(crops[2]);
    for (const { shape } of crops) expect(shape).toEqual([16000]);
    expect(isRandom(parsePreparation(settings))).toBe(true);
    expect(isRandom(parsePreparation({ ...settings, crop: "start" }))).toBe(false);
  });

  it("tell the speed they played at", async () => {
    const settings = {
      name: "samples",
      sampleRate: 16000,
      augment: { speed: { probability: 1, factor: [1.25, 1.25] as [number, number] } },
    } as const;
    const { length, speed } = await item(clipOf(made(20000)), settings);
    expect([length, speed]).toEqual([16000, 1.25]);
    // labels that hold times would no longer be true
    const timed = await item({ ...clipOf(made(20000)), timed: true }, settings);
    expect([timed.length, timed.speed]).toEqual([20000, 1]);
  });

  it("name the noise recording that cannot be read", async () => {
    const augment = { noise: { probability: 1, ratio: [10, 10] as [number, number], clips: ["/nowhere/n.wav"] } };
    await expect(item(clipOf(made(16000)), { name: "samples", sampleRate: 16000, augment })).rejects.toThrow(
      "noise clip /nowhere/n.wav: no such file",
    );
  });

  it("of clips too short for a frame are refused", async () => {
    await expect(item(clipOf(made(500), 22050), { name: "decoder" })).rejects.toThrow(/made.wav: lasts 0.023 s/);
  });

  it("that are not known are refused, naming the setting", () => {
    expect(() => parsePreparation({ name: "tokeniser" } as never)).toThrow(/preparation: name: /);
    expect(() => parsePreparation({ name: "tokenizer", mels: 81 } as never)).toThrow(/preparation: mels: /);
    expect(() => parsePreparation({ name: "decoder", maxSecond: 3 } as never)).toThrow(/maxSecond/);
    expect(() => parsePreparation({ name: "tokenizer", mels: 80, stride: 500 })).toThrow(/stride: .*multiple of 160/);
  });
});

describe("batches for the tokeniser", () => {
  const settings = { name: "tokenizer", mels: 80, maxSeconds: 2 } as const;
  const preparation = parsePreparation(settings) as TokenizerPreparation;

  it("are the features of samples padded with zeros, and the samples' mask at every 160th", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 36000 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom<Padding>("longest", "max", { multipleOf: 0.5 }),
        async (lengths, padding) => {
          const clips = lengths.map((n, i) => made(n, i));
          const items = await Promise.all(clips.map((samples) => item(clipOf(samples), settings)));
          const { input_features, attention_mask } = tokenizerCollate({ preparation, padding })(items);
          const [batch, mels, frames] = input_features!.shape as [number, number, number];
          expect([batch, mels]).toEqual([lengths.length, 80]);
          expect(frames % (preparation.stride / 160)).toBe(0);
          expect(frames).toBeLessThanOrEqual(longestSamples(preparation) / 160);
          if (padding === "max") expect(frames).toBe(200);
          // 0.5 s are 12.5 tokens: 13 of 4 frames
          if (typeof padding === "object" && frames < 200) expect(frames % 52).toBe(0);
          for (const [row, samples] of clips.entries()) {
            const heard = samples.subarray(0, 32000);
            const padded = whisperFeatures(padWithZeros(heard, frames * 160), 80);
            const given = (input_features!.data as Float32Array).subarray(row * 80 * frames, (row + 1) * 80 * frames);
            expect(given).toEqual(padded.data);
            const mask = (attention_mask!.data as Int32Array).subarray(row * frames, (row + 1) * frames);
            expect(Array.from(mask)).toEqual(Array.from({ length: frames }, (_, t) => Number(160 * t < heard.length)));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("of one bucket have one shape", async () => {
    const collate = tokenizerCollate({ preparation, padding: { multipleOf: 0.64 } });
    const frames = await Promise.all(
      [1000, 5000, 9000, 9800, 10500, 20000].map(
        async (n) => collate([await item(clipOf(made(n)), settings)]).input_features!.shape[2],
      ),
    );
    expect(frames).toEqual([64, 64, 64, 64, 128, 128]);
  });
});

describe("batches for the decoder", () => {
  it("are mels and samples padded with silence", async () => {
    const settings = { name: "decoder", maxSeconds: 2 } as const;
    const preparation = parsePreparation(settings) as never;
    const clips = [made(9000, 1), made(5000, 2)];
    const items = await Promise.all(clips.map((samples) => item(clipOf(samples, 22050), settings)));
    for (const [padding, frames] of [
      ["longest", 35],
      ["max", 172],
      [{ multipleOf: 0.5 }, 43],
    ] as const) {
      const { mel, samples, mel_mask } = decoderCollate({ preparation, padding })(items);
      expect([mel!.shape, samples!.shape, mel_mask!.shape]).toEqual([
        [2, 80, frames],
        [2, 256 * frames],
        [2, frames],
      ]);
      expect(Array.from((mel_mask!.data as Int32Array).subarray(frames))).toEqual(
        Array.from({ length: frames }, (_, t) => Number(t < 19)),
      );
      expect((samples!.data as Float32Array).subarray(256 * frames, 256 * (frames + 19))).toEqual(
        clips[1]!.subarray(0, 256 * 19),
      );
      expect((samples!.data as Float32Array).subarray(256 * (frames + 19)).every((value) => value === 0)).toBe(true);
      const silence = decoderMel(new Float32Array(2048)).data[0];
      expect(mel!.data[80 * frames + frames - 1]).toBe(frames > 19 ? silence : undefined);
      const { data } = decoderMel(clips[1]!);
      expect((mel!.data as Float32Array).slice(80 * frames, 80 * frames + 19)).toEqual(data.slice(0, 19));
    }
  });
});

describe("text", () => {
  const row = (text: string | undefined, id = "r"): BatchItem => ({
    tensors: {},
    length: 1,
    speed: 1,
    example: { id, audio: { path: "a" }, labels: {}, ...(text !== undefined && { text }) },
  });
  // start, one token a character, end
  const encodeTarget = ({ text = "" }: { text?: string }) => {
    const codes = [...text].map((c) => c.codePointAt(0)!);
    return { decoder_input_ids: [1, ...codes], labels: [...codes, 2] };
  };

  it("is padded, and the padding is not scored", () => {
    const { decoder_input_ids, labels } = collateText([row("ab"), row("c"), row(undefined)], {
      encodeTarget,
      padTokenId: 9,
      multipleOf: 4,
    });
    expect(decoder_input_ids).toEqual({ data: Int32Array.of(1, 97, 98, 9, 1, 99, 9, 9, 1, 9, 9, 9), shape: [3, 4] });
    expect(labels).toEqual({
      data: Int32Array.of(97, 98, 2, -100, 99, 2, -100, -100, 2, -100, -100, -100),
      shape: [3, 4],
    });
  });

  it("whose halves differ in length is refused", () => {
    const broken = () => ({ decoder_input_ids: [1, 2], labels: [1] });
    expect(() => collateText([row("a", "list:7")], { encodeTarget: broken, padTokenId: 0 })).toThrow(
      "list:7: 2 decoder inputs for 1 labels",
    );
  });
});
