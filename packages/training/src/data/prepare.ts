/**
 * What happens to a clip in a worker thread: decoding, random changes, features. A preparation is plain data, so that it
 * can be sent to any thread and be hashed; a random draw depends on the clip's seed alone, never on the thread.
 */
import {
  DECODER_HOP_LENGTH,
  DECODER_MELS,
  DECODER_N_FFT,
  DECODER_SAMPLE_RATE,
  decoderMel,
  paddedLength,
  padWithZeros,
  resample,
  WHISPER_HOP_LENGTH,
  WHISPER_N_FFT,
  WHISPER_SAMPLE_RATE,
  whisperFeatures,
} from "@uat/audio";
import type { NumericArray } from "@uat/graph";
import { z } from "zod";
import { type Augmentation, augment, augmentationSchema, timelessAugmentationSchema } from "../augment/augment.ts";
import { TrainingError } from "../errors.ts";
import { Random } from "../random.ts";
import { clipPitch } from "./clip-pitch.ts";
import { decodeClip } from "./decode-clip.ts";
import { type Clip, clipName } from "./example.ts";
import { mixSeed } from "./permutation.ts";

const common = {
  /** Which channel is heard: the mean of all by default. */
  channel: z.union([z.literal("mean"), z.int().min(0).max(63)]).default("mean"),
  augment: augmentationSchema.default({}),
};
/** Where a clip that is longer than `maxSeconds` is cut: text belongs to the whole, so from its start by default. */
const crop = z.enum(["start", "random"]).default("start");
const seconds = z.number().min(0.1).max(3600);
/** What the tokeniser is told. */
const heard = {
  mels: z.union([z.literal(80), z.literal(128)]),
  /** Samples of 16 kHz to a token: 160 · 2 · pooling. */
  stride: z
    .int()
    .positive()
    .refine((stride) => stride % WHISPER_HOP_LENGTH === 0, "expected a multiple of 160")
    .default(640),
};

/** Settings of {@link prepareClip}, by name. */
export const preparationSchema = z.discriminatedUnion("name", [
  /**
   * `features`: Whisper's log-mel [mels, frames] of 16 kHz samples, and at least two frames of the silence after them.
   * With `pitch` also {@link clipPitch}'s `pitch` [frames of the clip alone]; with `copy` also `copy_features`, those of
   * the same stretch changed once more.
   */
  z.strictObject({
    name: z.literal("tokenizer"),
    ...heard,
    maxSeconds: seconds.default(30),
    crop,
    pitch: z.boolean().default(false),
    copy: timelessAugmentationSchema.optional(),
    ...common,
  }),
  /** `samples` [256 · frames] at 22.05 kHz and `mel` [80, frames]. */
  z.strictObject({ name: z.literal("decoder"), maxSeconds: seconds.default(30), crop, ...common }),
  /** Both of the above for the same stretch: `features`, `samples`, `mel`. */
  z.strictObject({ name: z.literal("flow"), ...heard, maxSeconds: seconds.default(30), crop, ...common }),
  /** `samples` [n]. */
  z.strictObject({
    name: z.literal("samples"),
    sampleRate: z.int().min(1000).max(768000),
    maxSeconds: seconds.default(3600),
    crop,
    ...common,
  }),
]);

/** As it is written: defaults may be left out. */
export type PreparationSettings = z.input<typeof preparationSchema>;
export type Preparation = z.output<typeof preparationSchema>;
export type TokenizerClips = Extract<Preparation, { name: "tokenizer" }>;
export type TokenizerPreparation = TokenizerClips | Extract<Preparation, { name: "flow" }>;
export type DecoderPreparation = Extract<Preparation, { name: "decoder" | "flow" }>;

/** @throws TrainingError naming the setting that is wrong. */
export function parsePreparation(settings: PreparationSettings): Preparation {
  const parsed = preparationSchema.safeParse(settings);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new TrainingError(`preparation: ${issue?.path.join(".") || "name"}: ${issue?.message.replace(/\s+/g, " ")}`);
}

/** Whether the same clip comes out differently in another epoch: then there is nothing to cache. */
export const isRandom = (preparation: Preparation): boolean =>
  preparation.crop === "random" ||
  ("copy" in preparation && preparation.copy !== undefined) ||
  Object.values(preparation.augment).some((change) => change !== undefined && change.probability > 0);

/** A clip made ready for the networks. */
export interface PreparedClip {
  readonly tensors: Readonly<Record<string, NumericArray>>;
  /** Samples at 16 kHz (`tokenizer`, `flow`), 22.05 kHz (`decoder`) or the rate asked for, padding left out. */
  readonly length: number;
  /** Factor by which the clip plays faster than it was recorded. */
  readonly speed: number;
}

/**
 * Prepares one clip.
 * @throws AudioError or TrainingError when the clip cannot be read or is too short.
 */
export async function prepareClip(clip: Clip, preparation: Preparation, seed: number): Promise<PreparedClip> {
  const sampleRate =
    preparation.name === "samples"
      ? preparation.sampleRate
      : preparation.name === "tokenizer"
        ? WHISPER_SAMPLE_RATE
        : DECODER_SAMPLE_RATE;
  const { channel, maxSeconds } = preparation;
  const { speed: speedChange, ...others } = preparation.augment;
  const changes = clip.timed ? others : preparation.augment;
  const fastest = speedChange?.factor[1] ?? 1;
  // what a random crop does not start with may lie anywhere
  const needed = preparation.crop === "start" ? maxSeconds * Math.max(1, fastest) : undefined;
  const decoded = await decodeClip(clip, { sampleRate, channel, maxSeconds: needed });
  const { samples: changed, speed } = await augment(decoded, sampleRate, changes, seed, (path) =>
    noiseClip(path, sampleRate),
  );
  const start = cutStart(changed.length, Math.round(maxSeconds * sampleRate), preparation, seed);
  const samples = cut(changed, start, Math.round(maxSeconds * sampleRate));
  const copyFeatures = async (original: Float32Array, copy: Augmentation) => {
    const copied = await augment(original, sampleRate, copy, mixSeed(seed, COPY), (path) =>
      noiseClip(path, sampleRate),
    );
    return tokenizerTensors(copied.samples, preparation as TokenizerPreparation).features as NumericArray;
  };
  switch (preparation.name) {
    case "samples":
      return { tensors: { samples: { data: samples, shape: [samples.length] } }, length: samples.length, speed };
    case "tokenizer": {
      const tensors = {
        ...tokenizerTensors(samples, preparation),
        ...(preparation.pitch && { pitch: clipPitch(decoded, { start, length: samples.length, speed }) }),
        ...(preparation.copy && { copy_features: await copyFeatures(samples, preparation.copy) }),
      };
      return { tensors, length: samples.length, speed };
    }
    case "decoder":
      return { tensors: decoderTensors(samples, clip), length: samples.length, speed };
    case "flow": {
      const most = Math.round(maxSeconds * WHISPER_SAMPLE_RATE);
      const heard = resample(samples, DECODER_SAMPLE_RATE, WHISPER_SAMPLE_RATE).subarray(0, most);
      const tensors = { ...decoderTensors(samples, clip), ...tokenizerTensors(heard, preparation) };
      return { tensors, length: heard.length, speed };
    }
  }
}

function cutStart(length: number, most: number, { crop }: Preparation, seed: number): number {
  return length <= most || crop === "start" ? 0 : new Random(mixSeed(seed, CROP)).below(length - most + 1);
}

const cut = (samples: Float32Array, start: number, most: number): Float32Array =>
  samples.length <= most ? samples : samples.slice(start, start + most);

/** Apart from the numbers of the augmentations. */
const CROP = 100;
const COPY = 101;

/**
 * Features with at least a window of silence behind the clip: from there on all frames of a longer padding are the same,
 * whatever the batch's length, so that batches equal the features of samples padded to that length (collate.ts).
 */
function tokenizerTensors(
  samples: Float32Array,
  preparation: TokenizerPreparation,
): Readonly<Record<string, NumericArray>> {
  const padded = Math.min(
    longestSamples(preparation),
    paddedLength(samples.length + WHISPER_N_FFT, WHISPER_HOP_LENGTH),
  );
  const { data, mels, frames } = whisperFeatures(padWithZeros(samples, padded), preparation.mels);
  return { features: { data, shape: [mels, frames] } };
}

/** 16 kHz samples of the longest clip, padded to whole tokens. */
export const longestSamples = ({ maxSeconds, stride }: TokenizerPreparation): number =>
  paddedLength(Math.round(maxSeconds * WHISPER_SAMPLE_RATE), stride);

function decoderTensors(samples: Float32Array, clip: Clip): Readonly<Record<string, NumericArray>> {
  if (samples.length < DECODER_N_FFT) {
    throw new TrainingError(
      `${clipName(clip)}: lasts ${(samples.length / DECODER_SAMPLE_RATE).toFixed(3)} s; expected at least 0.05`,
    );
  }
  const { data, frames } = decoderMel(samples);
  const whole = samples.slice(0, frames * DECODER_HOP_LENGTH);
  return { samples: { data: whole, shape: [whole.length] }, mel: { data, shape: [DECODER_MELS, frames] } };
}

/** Noise recordings used last, by path and rate; no more than these seconds are taken of each. */
const noiseClips = new Map<string, Promise<Float32Array>>();
const KEPT_NOISE_CLIPS = 16;
const NOISE_SECONDS = 60;

function noiseClip(path: string, sampleRate: number): Promise<Float32Array> {
  const key = `${sampleRate} ${path}`;
  const known = noiseClips.get(key);
  if (known) return known;
  if (noiseClips.size >= KEPT_NOISE_CLIPS) noiseClips.delete(noiseClips.keys().next().value as string);
  const options = { sampleRate, channel: "mean" as const, maxSeconds: NOISE_SECONDS };
  const samples = decodeClip({ audio: { path } }, options).catch((cause: Error) => {
    throw new TrainingError(`noise clip ${cause.message}`);
  });
  noiseClips.set(key, samples);
  return samples;
}
