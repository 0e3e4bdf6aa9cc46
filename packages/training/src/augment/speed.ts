import { resample } from "@uat/audio";

/**
 * Plays faster (factor above 1) or slower: pitch and formants move along, so a voice sounds like another one. The factor
 * is rounded to hundreds of hertz of the rate.
 */
export function changeSpeed(samples: Float32Array, factor: number, sampleRate: number): Float32Array {
  return resample(samples, Math.round((sampleRate * factor) / 100) * 100, sampleRate);
}
