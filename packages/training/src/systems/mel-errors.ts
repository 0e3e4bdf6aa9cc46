/** How far one mel spectrogram is from another. */
import type { MelFeatures } from "@uat/audio";

/** The first frames of a mel. */
export const firstFrames = ({ data, mels, frames }: MelFeatures, count: number): MelFeatures => {
  if (count === frames) return { data, mels, frames };
  const cut = new Float32Array(mels * count);
  for (let b = 0; b < mels; b++) cut.set(data.subarray(b * frames, b * frames + count), b * count);
  return { data: cut, mels, frames: count };
};

/** Sums over values of mels. */
export interface MelErrors {
  error: number;
  /** Of the target's mean spectrum. */
  ofMean: number;
  count: number;
}

/** Adds a prediction's absolute errors, and those of the target's mean spectrum, to `sums`. */
export function addMelErrors(sums: MelErrors, target: MelFeatures, prediction: MelFeatures): void {
  const { data, mels, frames } = target;
  for (let b = 0; b < mels; b++) {
    const row = data.subarray(b * frames, (b + 1) * frames);
    const mean = row.reduce((sum, v) => sum + v, 0) / frames;
    for (const [t, v] of row.entries()) {
      sums.error += Math.abs(prediction.data[b * frames + t]! - v);
      sums.ofMean += Math.abs(mean - v);
    }
  }
  sums.count += data.length;
}
