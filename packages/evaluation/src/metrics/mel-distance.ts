/** How far the spectral envelope of a copy is from the original's, in the decoder's own mels (22.05 kHz, 80 bands, ln). */
import { DECODER_SAMPLE_RATE, decoderMel, resample } from "@uat/audio";

/** Cepstral coefficients that count, from the first (not the zeroth: loudness does not). */
const COEFFICIENTS = 13;

export interface MelDistances {
  /** Mean absolute difference of natural log-mels. */
  readonly logMel: number;
  /**
   * Mel-cepstral distortion in dB (R. Kubichek, 1993): coefficients 1 … 13 of the orthonormal cosine transform of the
   * log-mels, frame by frame without alignment.
   */
  readonly cepstral: number;
}

/**
 * Over the frames that both have; NaN where there are none.
 * @param sampleRate Hz of both; resampled to 22.05 kHz.
 */
export function melDistances(reference: Float32Array, degraded: Float32Array, sampleRate: number): MelDistances {
  const melOf = (samples: Float32Array) => {
    const heard = sampleRate === DECODER_SAMPLE_RATE ? samples : resample(samples, sampleRate, DECODER_SAMPLE_RATE);
    return heard.length > 385 ? decoderMel(heard) : { data: new Float32Array(0), mels: 80, frames: 0 };
  };
  const [a, b] = [melOf(reference), melOf(degraded)];
  const frames = Math.min(a.frames, b.frames);
  const cosines = cosineRows(a.mels);
  const difference = new Float64Array(a.mels);
  let [absolute, cepstral] = [0, 0];
  for (let t = 0; t < frames; t++) {
    for (let band = 0; band < a.mels; band++) {
      const d = (a.data[band * a.frames + t] as number) - (b.data[band * b.frames + t] as number);
      difference[band] = d;
      absolute += Math.abs(d);
    }
    // the transform is linear: that of the difference is the difference of the transforms
    let squares = 0;
    for (const row of cosines) squares += row.reduce((sum, c, i) => sum + c * (difference[i] as number), 0) ** 2;
    cepstral += Math.sqrt(2 * squares);
  }
  return { logMel: absolute / (frames * a.mels), cepstral: ((10 / Math.LN10) * cepstral) / frames };
}

/** Rows 1 … 13 of the orthonormal DCT-II over n values. */
function cosineRows(n: number): Float64Array[] {
  return Array.from({ length: COEFFICIENTS }, (_, k) =>
    Float64Array.from({ length: n }, (_, i) => Math.sqrt(2 / n) * Math.cos((Math.PI * (k + 1) * (i + 0.5)) / n)),
  );
}

/** {@link MelDistances.logMel} alone. */
export const logMelDistance = (reference: Float32Array, degraded: Float32Array, sampleRate: number): number =>
  melDistances(reference, degraded, sampleRate).logMel;

/** {@link MelDistances.cepstral} alone. */
export const melCepstralDistortion = (reference: Float32Array, degraded: Float32Array, sampleRate: number): number =>
  melDistances(reference, degraded, sampleRate).cepstral;
