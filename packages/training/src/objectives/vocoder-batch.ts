/** Batches for a vocoder: crops of clips with their mel and pitch, and the excitation of a step. */
import { DECODER_HOP_LENGTH, DECODER_MELS, DECODER_SAMPLE_RATE, resample, trackPitch } from "@uat/audio";
import type { NumericArray } from "@uat/graph";
import { type HiftConfig, harmonicSource, type Mel } from "universal-audio-tokenizer/internal";
import type { Random } from "../random.ts";
import { melOf } from "./flow-batch.ts";

/** Equally long crops. */
export interface VocoderBatch {
  readonly size: number;
  readonly frames: number;
  /** [size, mels, frames] */
  readonly mel: Float32Array;
  /** [size, 256 · frames] */
  readonly audio: Float32Array;
  /** Pitch measured in the sound [size, frames], Hz, 0 where unvoiced. */
  readonly f0: Float32Array;
}

/** Frames around a crop in view of the pitch tracker. */
const PITCH_CONTEXT = 8;
/** The tracker hears every second sample: a quarter of the work, and still 18 samples in the shortest period. */
const PITCH_DECIMATION = 2;

/**
 * Cuts a crop of `frames` frames out of every clip, from a random frame on; shorter clips end in silence.
 * @param clips mono, 22,050 Hz.
 * @param mels of the clips, where they are not to be the sound's own.
 */
export function vocoderBatch(
  clips: readonly Float32Array[],
  frames: number,
  random: Random,
  mels?: readonly Mel[],
): VocoderBatch {
  const hop = DECODER_HOP_LENGTH;
  const mel = new Float32Array(clips.length * DECODER_MELS * frames);
  const audio = new Float32Array(clips.length * hop * frames);
  const f0 = new Float32Array(clips.length * frames);
  for (const [i, clip] of clips.entries()) {
    const first = random.below(Math.max(0, Math.floor(clip.length / hop) - frames) + 1);
    audio.set(clip.subarray(first * hop, (first + frames) * hop), i * hop * frames);
    const own = mels ? cutMel(mels[i] as Mel, first, frames) : melOf(clip, first * hop, frames);
    mel.set(own, i * DECODER_MELS * frames);
    f0.set(pitchOf(clip, first, frames), i * frames);
  }
  return { size: clips.length, frames, mel, audio, f0 };
}

/** Frames of a mel, silent beyond its end. */
function cutMel({ data, bins, frames: all }: Mel, first: number, frames: number): Float32Array {
  const cut = new Float32Array(bins * frames).fill(Math.log(1e-5));
  for (let b = 0; b < bins; b++)
    cut.set(data.subarray(b * all + Math.min(first, all), b * all + Math.min(first + frames, all)), b * frames);
  return cut;
}

/** Pitch of some frames of a clip; 0 beyond its end. */
function pitchOf(clip: Float32Array, first: number, frames: number): Float32Array {
  const hop = DECODER_HOP_LENGTH;
  const before = Math.min(first, PITCH_CONTEXT);
  const seen = clip.subarray((first - before) * hop, (first + frames + PITCH_CONTEXT) * hop);
  let peak = 0;
  for (const v of clip) peak = Math.max(peak, Math.abs(v));
  const sampleRate = DECODER_SAMPLE_RATE / PITCH_DECIMATION;
  const low = resample(seen, DECODER_SAMPLE_RATE, sampleRate);
  const track = trackPitch(low, { sampleRate, hop: hop / PITCH_DECIMATION, peak });
  const f0 = new Float32Array(frames);
  f0.set(track.subarray(before, before + frames));
  return f0;
}

/**
 * A batch as the inputs of the vocoder's graph. The excitation's sines follow the measured pitch, not the predicted one,
 * so that generator and predictor learn side by side; their phases and noise are drawn anew.
 */
export function vocoderStepInputs(
  { size, frames, mel, audio, f0 }: VocoderBatch,
  c: HiftConfig,
  random: Random,
): Record<string, NumericArray> {
  const samples = audio.length / size;
  const count = c.nb_harmonics + 1;
  const harmonics = new Float32Array(size * count * samples);
  const noise = new Float32Array(samples);
  for (let i = 0; i < size; i++) {
    // where the crop begins within a turn of the fundamental
    const begun = random.uniform();
    for (let h = 0; h < count; h++) {
      for (let k = 0; k < samples; k++) noise[k] = random.normal();
      const phase = h === 0 ? 0 : random.uniform(-Math.PI, Math.PI);
      const out = harmonics.subarray((i * count + h) * samples, (i * count + h + 1) * samples);
      harmonicSource(
        f0.subarray(i * frames, (i + 1) * frames),
        h,
        c,
        { phase, noise, cycle: (begun * (h + 1)) % 1 },
        out,
      );
    }
  }
  return {
    mel: { data: mel, shape: [size, DECODER_MELS, frames] },
    harmonics: { data: harmonics, shape: [size, count, samples] },
    audio: { data: audio, shape: [size, samples] },
    f0: { data: f0, shape: [size, frames] },
  };
}
