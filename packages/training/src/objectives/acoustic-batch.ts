/** Batches for an acoustic model: crops of clips with their tokens, mel and pitch. */
import { DECODER_HOP_LENGTH, DECODER_SAMPLE_RATE, resample, trackPitch } from "@uat/audio";
import type { NumericArray } from "@uat/graph";
import { type AcousticConfig, frameBlend, melFrames, REFERENCE_PITCH } from "universal-audio-tokenizer/internal";
import type { Random } from "../random.ts";
import { checkClip, melOf, type TokenClip } from "./flow-batch.ts";

/** A clip with its pitch: Hz at each frame of the mel, 0 where there is no voice. */
export type AcousticClip = TokenClip & { readonly f0: Float32Array };

/** Clips, the shorter ones filled up. */
export interface AcousticBatch {
  readonly size: number;
  /** Tokens and frames of each item. */
  readonly tokenCount: number;
  readonly frames: number;
  /** Tokens that are real, of each item. */
  readonly lengths: Int32Array;
  /** [size, tokenCount] */
  readonly tokens: Int32Array;
  /** [size, frames, mels] */
  readonly mel: Float32Array;
  /** [size, frames], Hz, 0 where there is no voice. */
  readonly f0: Float32Array;
}

/** The tracker hears every second sample: a quarter of the work, and still 18 samples in the shortest period. */
const DECIMATION = 2;

/** Pitch of a clip of 22,050 Hz sound at each frame of its mel, Hz, 0 where there is no voice. */
export function clipF0(samples: Float32Array): Float32Array {
  const sampleRate = DECODER_SAMPLE_RATE / DECIMATION;
  return trackPitch(resample(samples, DECODER_SAMPLE_RATE, sampleRate), {
    sampleRate,
    hop: DECODER_HOP_LENGTH / DECIMATION,
  });
}

/**
 * Cuts `longest` tokens out of every clip, from a random one on; a clip that has fewer is taken whole. Batches may hold
 * short and long clips then: those of one length alone would be all speech, or all bangs.
 * @throws TrainingError for a clip without tokens or with less sound than its tokens stand for.
 */
export function acousticBatch(
  clips: readonly AcousticClip[],
  longest: number,
  c: AcousticConfig,
  random: Random,
): AcousticBatch {
  const samplesPerToken = DECODER_SAMPLE_RATE / c.input_frame_rate;
  for (const clip of clips) checkClip(clip, c);
  const lengths = Int32Array.from(clips, ({ tokens }) => Math.min(longest, tokens.length));
  const tokenCount = Math.max(...lengths);
  const frames = melFrames(tokenCount, c.input_frame_rate);
  const mels = c.output_size;
  const batch = {
    tokens: new Int32Array(clips.length * tokenCount),
    mel: new Float32Array(clips.length * frames * mels),
    f0: new Float32Array(clips.length * frames),
  };
  for (const [i, clip] of clips.entries()) {
    const count = lengths[i]!;
    const real = melFrames(count, c.input_frame_rate);
    const first = random.below(clip.tokens.length - count + 1);
    const start = Math.round(first * samplesPerToken);
    batch.tokens.set(clip.tokens.subarray(first, first + count), i * tokenCount);
    const mel = melOf(clip.samples, start, real);
    for (let b = 0; b < mels; b++)
      for (let t = 0; t < real; t++) batch.mel[(i * frames + t) * mels + b] = mel[b * real + t]!;
    // a crop begins between two frames of the clip: its pitch is that of the nearer
    const frame = Math.round(start / DECODER_HOP_LENGTH);
    batch.f0.set(clip.f0.subarray(frame, frame + real), i * frames);
  }
  return { size: clips.length, tokenCount, frames, lengths, ...batch };
}

/** A batch as the inputs of the acoustic model's loss. */
export function acousticStepInputs(batch: AcousticBatch, c: AcousticConfig): Record<string, NumericArray> {
  const { size, tokenCount, frames, f0 } = batch;
  const mask = new Int32Array(size * tokenCount);
  const real = new Float32Array(size * frames);
  for (const [i, length] of batch.lengths.entries()) {
    mask.fill(1, i * tokenCount, i * tokenCount + length);
    real.fill(1, i * frames, i * frames + melFrames(length, c.input_frame_rate));
  }
  const { lower, upper, share } = frameBlend(tokenCount, frames, c.subframes, c.input_frame_rate);
  return {
    tokens: { data: batch.tokens, shape: [size, tokenCount] },
    mask: { data: mask, shape: [size, tokenCount] },
    real: { data: real, shape: [size, frames] },
    lower: { data: lower, shape: [frames] },
    upper: { data: upper, shape: [frames] },
    share: { data: share, shape: [frames] },
    mel: { data: batch.mel, shape: [size, frames, c.output_size] },
    pitch: { data: f0.map((hz) => (hz > 0 ? Math.log2(hz / REFERENCE_PITCH) : 0)), shape: [size, frames] },
    voiced: { data: f0.map((hz) => (hz > 0 ? 1 : 0)), shape: [size, frames] },
  };
}
