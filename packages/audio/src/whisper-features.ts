/**
 * Whisper's log-mel features (Radford et al. 2022; the same steps as Hugging Face's WhisperFeatureExtractor):
 * 16 kHz audio → power spectrum of 25 ms Hann frames every 10 ms → 80 or 128 mel bands → log10, limited to 8 decades
 * below the clip's loudest value, scaled to about [-1, 1]. Digital silence becomes -1.5 everywhere.
 */
import { bandEnergy, melFilters } from "./mel-filters.ts";
import { forEachPowerSpectrum, hannWindow, reflectPad } from "./stft.ts";

/** Rate the tokeniser hears at, Hz. */
export const WHISPER_SAMPLE_RATE = 16000;
/** Samples between frames: 100 frames per second. */
export const WHISPER_HOP_LENGTH = 160;
/** Samples in a window. */
export const WHISPER_N_FFT = 400;

/** Mel features, `mels` × `frames`, row-major. */
export interface MelFeatures {
  readonly data: Float32Array;
  readonly mels: number;
  readonly frames: number;
}

/** n rounded up to a multiple of `stride`, both in samples; 0 stays 0. */
export function paddedLength(n: number, stride: number): number {
  return Math.ceil(n / stride) * stride;
}

/** `samples` followed by zeros up to `length` samples; the same array when it is that long already. */
export function padWithZeros(samples: Float32Array, length: number): Float32Array {
  if (samples.length === length) return samples;
  const out = new Float32Array(length);
  out.set(samples.subarray(0, length));
  return out;
}

/** Real frames of a clip of n samples before padding: the sample mask taken at every 160th sample, ceil(n / 160). */
export function whisperFrameCount(n: number): number {
  return Math.ceil(n / WHISPER_HOP_LENGTH);
}

/**
 * Log-mel features of one clip.
 * @param samples 16 kHz mono in [-1, 1], already padded with zeros ({@link paddedLength}); more than 200 samples, or none.
 * @param mels 80 or 128.
 * @returns floor(samples.length / 160) frames.
 * @throws AudioError when the clip is shorter than half a window.
 */
export function whisperFeatures(samples: Float32Array, mels = 80): MelFeatures {
  const frames = Math.floor(samples.length / WHISPER_HOP_LENGTH);
  const data = new Float32Array(mels * frames);
  if (frames === 0) return { data, mels, frames };
  const filters = melFilters({ sampleRate: WHISPER_SAMPLE_RATE, nFft: WHISPER_N_FFT, mels });
  const window = hannWindow(WHISPER_N_FFT);
  let loudest = -10;
  forEachPowerSpectrum(
    reflectPad(samples, WHISPER_N_FFT / 2),
    { nFft: WHISPER_N_FFT, hop: WHISPER_HOP_LENGTH, window, frames },
    (frame, power) => {
      for (let band = 0; band < mels; band++) {
        const value = Math.log10(Math.max(bandEnergy(filters, band, power), 1e-10));
        if (value > loudest) loudest = value;
        data[band * frames + frame] = value;
      }
    },
  );
  const floor = loudest - 8;
  for (let i = 0; i < data.length; i++) data[i] = (Math.max(data[i]!, floor) + 4) / 4;
  return { data, mels, frames };
}
