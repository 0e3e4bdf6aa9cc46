/** Batches for the flow: equally long crops of clips with their tokens, and the random draws of a step. */
import { DECODER_HOP_LENGTH, DECODER_SAMPLE_RATE, decoderMel } from "@uat/audio";
import type { NumericArray } from "@uat/graph";
import { type FlowConfig, melFrames, sourceTokens } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import type { Random } from "../random.ts";

/** A clip that a network from tokens to mel learns from. */
export interface TokenClip {
  /** For messages. */
  readonly name?: string | undefined;
  readonly tokens: Int32Array;
  /** The sound those tokens stand for: mono, 22,050 Hz. */
  readonly samples: Float32Array;
}

/** A clip that the flow learns from. */
export interface FlowClip extends TokenClip {
  /** x-vector of the speaker; zeros when absent. */
  readonly embedding?: Float32Array | undefined;
}

/** Equally long clips. */
export interface FlowBatch {
  readonly size: number;
  /** Tokens and frames of each item. */
  readonly tokenCount: number;
  readonly frames: number;
  /** [size, tokenCount] */
  readonly tokens: Int32Array;
  /** [size, mels, frames] */
  readonly mel: Float32Array;
  /** [size, speaker] */
  readonly embedding: Float32Array;
}

/** Frames of true surroundings on either side that a cut mel is computed with; a window reaches 1.5 frames past a frame. */
const CONTEXT_FRAMES = 2;

/** Samples below which a spectrogram cannot mirror its ends. */
const SHORTEST = 385;

/** Share of items that are given a beginning, and how much of them at most. */
const PROMPTED = 0.5;
const LONGEST_PROMPT = 0.8;

/**
 * Cuts the same number of tokens out of every clip, from a random token on: `longest`, or the shortest clip's if fewer.
 * Sound is cut at the token's own time, so that a crop's frames lie to its tokens as a whole clip's do.
 * @throws TrainingError for a clip without tokens or with less sound than its tokens stand for.
 */
export function flowBatch(clips: readonly FlowClip[], longest: number, c: FlowConfig, random: Random): FlowBatch {
  const samplesPerToken = DECODER_SAMPLE_RATE / c.input_frame_rate;
  for (const clip of clips) {
    checkClip(clip, c);
    checkEmbedding(clip, c);
  }
  const tokenCount = Math.min(longest, ...clips.map((clip) => clip.tokens.length));
  const frames = melFrames(tokenCount, c.input_frame_rate);
  const { output_size: mels, spk_embed_dim: speaker } = c;
  const tokens = new Int32Array(clips.length * tokenCount);
  const mel = new Float32Array(clips.length * mels * frames);
  const embedding = new Float32Array(clips.length * speaker);
  for (const [i, clip] of clips.entries()) {
    const first = random.below(clip.tokens.length - tokenCount + 1);
    tokens.set(clip.tokens.subarray(first, first + tokenCount), i * tokenCount);
    mel.set(melOf(clip.samples, Math.round(first * samplesPerToken), frames), i * mels * frames);
    if (clip.embedding) embedding.set(clip.embedding, i * speaker);
  }
  return { size: clips.length, tokenCount, frames, tokens, mel, embedding };
}

/** @throws TrainingError for a clip whose tokens and sound do not fit each other, or the network. */
export function checkClip(clip: TokenClip, c: Pick<FlowConfig, "input_frame_rate" | "vocab_size">): void {
  const { name = "a clip", tokens, samples } = clip;
  const samplesPerToken = DECODER_SAMPLE_RATE / c.input_frame_rate;
  if (melFrames(tokens.length, c.input_frame_rate) < 1)
    throw new TrainingError(`${name}: has ${tokens.length} tokens; expected enough for a frame of the mel`);
  if (samples.length < (tokens.length - 1) * samplesPerToken)
    throw new TrainingError(
      `${name}: ${samples.length} samples for ${tokens.length} tokens; expected about ${Math.round(tokens.length * samplesPerToken)} at ${DECODER_SAMPLE_RATE} Hz: tokens and sound must be of the same clip`,
    );
  const foreign = tokens.find((id) => id < 0 || id >= c.vocab_size);
  if (foreign !== undefined)
    throw new TrainingError(`${name}: has the code ${foreign}; expected those below ${c.vocab_size}, the model's`);
}

function checkEmbedding({ name = "a clip", embedding }: FlowClip, c: FlowConfig): void {
  if (embedding && embedding.length !== c.spk_embed_dim)
    throw new TrainingError(
      `${name}: has a speaker embedding of ${embedding.length} values; expected ${c.spk_embed_dim}`,
    );
}

/** The mel [mels, frames] of the sound from `start` on, with what lies around it in view; zeros beyond the clip's end. */
export function melOf(samples: Float32Array, start: number, frames: number): Float32Array {
  const before = Math.min(CONTEXT_FRAMES, Math.floor(start / DECODER_HOP_LENGTH));
  const from = start - before * DECODER_HOP_LENGTH;
  const needed = (before + frames) * DECODER_HOP_LENGTH;
  const seen = needed + CONTEXT_FRAMES * DECODER_HOP_LENGTH;
  const cut = samples.slice(from, from + seen);
  const whole = decoderMel(cut.length >= Math.max(needed, SHORTEST) ? cut : extended(cut, seen));
  const mel = new Float32Array(whole.mels * frames);
  for (let b = 0; b < whole.mels; b++)
    mel.set(whole.data.subarray(b * whole.frames + before, b * whole.frames + before + frames), b * frames);
  return mel;
}

function extended(samples: Float32Array, length: number): Float32Array {
  const result = new Float32Array(length);
  result.set(samples);
  return result;
}

/**
 * A batch with the draws of one step, as the inputs of the flow's graph: noise, times (the solver's schedule of uniform
 * ones), which items are told nothing (`training_cfg_rate`), and how much of the mel the others are given.
 */
export function flowStepInputs(batch: FlowBatch, c: FlowConfig, random: Random): Record<string, NumericArray> {
  const { size, tokenCount: n, frames } = batch;
  const mels = c.output_size;
  const { t_scheduler, training_cfg_rate } = c.decoder.cfm_params;
  const noise = Float32Array.from({ length: batch.mel.length }, () => random.normal());
  const time = Float32Array.from({ length: size }, () => {
    const u = random.uniform();
    return t_scheduler === "cosine" ? 1 - Math.cos((u * Math.PI) / 2) : u;
  });
  const told = Float32Array.from({ length: size }, () => (random.uniform() < training_cfg_rate ? 0 : 1));
  const prompt = new Float32Array(size * frames);
  for (let i = 0; i < size; i++) {
    const given = random.uniform() < PROMPTED ? Math.floor(random.uniform(0, LONGEST_PROMPT) * frames) : 0;
    prompt.fill(1, i * frames, i * frames + given);
  }
  return {
    ...flowSequenceInputs(n, frames, c),
    tokens: { data: batch.tokens, shape: [size, n] },
    embedding: { data: batch.embedding, shape: [size, c.spk_embed_dim] },
    mel: { data: batch.mel, shape: [size, mels, frames] },
    noise: { data: noise, shape: [size, mels, frames] },
    time: { data: time, shape: [size] },
    prompt: { data: prompt, shape: [size, 1, frames] },
    told: { data: told, shape: [size] },
  };
}

/** The inputs that depend on lengths alone. */
function flowSequenceInputs(n: number, frames: number, c: FlowConfig): Record<string, NumericArray> {
  const { selfattention_layer_type: attention, block_size: block = n } = c.encoder;
  return {
    offsets: { data: Float32Array.from({ length: 2 * n - 1 }, (_, i) => n - 1 - i), shape: [2 * n - 1] },
    source: { data: sourceTokens(n, frames), shape: [frames] },
    ...(attention === "block_rel_selfattn" && {
      blocks: { data: Int32Array.from({ length: n }, (_, i) => Math.floor(i / block)), shape: [n] },
    }),
  };
}
