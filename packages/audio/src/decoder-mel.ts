/**
 * The decoder's mel spectrogram: what the flow-matching decoder is trained on, and what a prompt mel must be.
 * 22.05 kHz → 384 samples of reflection at both ends → magnitudes of 1024-point Hann frames every 256 samples →
 * 80 mel bands up to 8 kHz → natural logarithm, not below ln 1e-5. (The HiFi-GAN recipe, Kong et al. 2020.)
 */
import { bandEnergy, melFilters } from "./mel-filters.ts";
import { forEachPowerSpectrum, hannWindow, reflectPad } from "./stft.ts";
import type { MelFeatures } from "./whisper-features.ts";

/** Rate of the decoder's waveform, Hz. */
export const DECODER_SAMPLE_RATE = 22050;
/** Samples between frames, about 86 frames per second. */
export const DECODER_HOP_LENGTH = 256;
/** Samples in a window. */
export const DECODER_N_FFT = 1024;
/** Mel bands. */
export const DECODER_MELS = 80;
/** Highest frequency of the mel bands, Hz. */
export const DECODER_MAX_HZ = 8000;

/** The mel filter bank of {@link decoderMel}. */
export function decoderMelFilters() {
  return melFilters({
    sampleRate: DECODER_SAMPLE_RATE,
    nFft: DECODER_N_FFT,
    mels: DECODER_MELS,
    maxHz: DECODER_MAX_HZ,
  });
}

/**
 * Log-mel spectrogram of 22.05 kHz mono samples in [-1, 1].
 * @returns 80 × floor(n / 256) natural logarithms.
 * @throws AudioError when there are fewer than 385 samples.
 */
export function decoderMel(samples: Float32Array): MelFeatures {
  const mels = DECODER_MELS;
  const pad = (DECODER_N_FFT - DECODER_HOP_LENGTH) / 2;
  const padded = reflectPad(samples, pad);
  const frames = Math.max(0, Math.floor((padded.length - DECODER_N_FFT) / DECODER_HOP_LENGTH) + 1);
  const filters = decoderMelFilters();
  const data = new Float32Array(mels * frames);
  forEachPowerSpectrum(
    padded,
    { nFft: DECODER_N_FFT, hop: DECODER_HOP_LENGTH, window: hannWindow(DECODER_N_FFT), frames },
    (frame, power) => {
      for (let k = 0; k < power.length; k++) power[k] = Math.sqrt(power[k]! + 1e-9);
      for (let band = 0; band < mels; band++) {
        data[band * frames + frame] = Math.log(Math.max(bandEnergy(filters, band, power), 1e-5));
      }
    },
  );
  return { data, mels, frames };
}
