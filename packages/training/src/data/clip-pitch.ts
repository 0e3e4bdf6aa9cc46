/** The pitch of a clip at every frame of Whisper's features, as a target of training. */
import { resample, trackPitch, WHISPER_HOP_LENGTH, WHISPER_SAMPLE_RATE, whisperFrameCount } from "@uat/audio";
import type { NumericArray } from "@uat/graph";

/** Where pitch is 0 octaves, Hz: below the lowest that is found, slowed down twice, so that 0 can stand for no voice. */
export const LOWEST_PITCH = 27.5;
/** Half the features' rate: a quarter of the work, and still 13 samples in the shortest period. */
const RATE = 8000;

/** What became of a clip before its features were made. */
export interface HeardStretch {
  /** First sample of the stretch, after the change of speed. */
  readonly start: number;
  /** Samples. */
  readonly length: number;
  /** How much faster the clip plays than it was recorded. */
  readonly speed: number;
}

/**
 * Octaves above 27.5 Hz at each frame of 10 ms, 0 where there is no voice: [ceil(length / 160)]. It is measured before
 * noise, rooms and lines were added to the clip: the code should tell the voice's pitch in spite of them.
 * @param recorded 16 kHz samples as they were decoded.
 */
export function clipPitch(recorded: Float32Array, { start, length, speed }: HeardStretch): NumericArray {
  const hop = (WHISPER_HOP_LENGTH * RATE) / WHISPER_SAMPLE_RATE;
  const low = resample(recorded, WHISPER_SAMPLE_RATE, RATE);
  // half a hop ahead: a frame of the tracker lies in the middle of its hop, one of the features at its beginning
  const samples = new Float32Array((Math.ceil(low.length / hop) + 1) * hop);
  samples.set(low, hop / 2);
  const track = trackPitch(samples, { sampleRate: RATE, hop });
  const data = Float32Array.from({ length: whisperFrameCount(length) }, (_, t) => {
    const frame = Math.round((start / WHISPER_HOP_LENGTH + t) * speed);
    const hz = track[Math.min(frame, track.length - 1)] as number;
    return hz > 0 ? Math.log2((hz * speed) / LOWEST_PITCH) : 0;
  });
  return { data, shape: [data.length] };
}
