/** What a clip sounds like at each of its tokens, measured from the samples. */
import { frameEnergy, WHISPER_HOP_LENGTH, WHISPER_SAMPLE_RATE } from "@uat/audio";
import { clipPitch, LOWEST_PITCH } from "../data/clip-pitch.ts";

/** dB below full scale under which all is silence. */
const FLOOR = -70;

/**
 * f0 in Hz at each token, 0 where fewer than half of the token's frames of 10 ms are voiced: the median of the voiced
 * ones.
 * @param samples 16 kHz mono.
 * @param frameRate tokens a second.
 */
export function tokenPitch(samples: Float32Array, tokens: number, frameRate: number): Float32Array {
  const { data } = clipPitch(samples, { start: 0, length: samples.length, speed: 1 });
  const step = WHISPER_SAMPLE_RATE / WHISPER_HOP_LENGTH / frameRate;
  return Float32Array.from({ length: tokens }, (_, t) => {
    const frames = data.subarray(Math.round(t * step), Math.round((t + 1) * step)) as Float32Array;
    const voiced = frames.filter((octaves) => octaves > 0).sort();
    if (voiced.length === 0 || 2 * voiced.length < frames.length) return 0;
    const middle = (voiced.length - 1) / 2;
    return LOWEST_PITCH * 2 ** ((voiced[Math.floor(middle)]! + voiced[Math.ceil(middle)]!) / 2);
  });
}

/** Level of each token in dB of full scale, not below −70 dB. @param samples 16 kHz mono. */
export function tokenLevel(samples: Float32Array, tokens: number, frameRate: number): Float32Array {
  const hop = Math.round(WHISPER_SAMPLE_RATE / frameRate);
  const padded = new Float32Array(tokens * hop);
  padded.set(samples.subarray(0, padded.length));
  const energy = frameEnergy(padded, { hop, window: hop });
  return energy.map((rms) => Math.max(FLOOR, 20 * Math.log10(rms)));
}
