/**
 * A waveform from a mel spectrogram without a network. A mel spectrogram keeps neither phase nor single frequency
 * bins, so two things are guessed: the linear spectrum, as the non-negative one whose mel bands fit best; and the
 * phase, as the one whose signal has that spectrum, by going back and forth between the two (Griffin & Lim 1984) with
 * momentum (Perraudin, Balazs & Søndergaard 2013).
 */
import { DECODER_HOP_LENGTH, DECODER_N_FFT, decoderMelFilters } from "./decoder-mel.ts";
import { Fft } from "./fft.ts";
import type { MelFilters } from "./mel-filters.ts";
import { hannWindow } from "./stft.ts";
import type { MelFeatures } from "./whisper-features.ts";

export interface GriffinLimOptions {
  /** Rounds of phase estimation. 40 by default; more than 60 is not heard. */
  iterations?: number;
  /** 0 is plain Griffin-Lim; 0.99, the default, converges faster and further. */
  momentum?: number;
  /** Seed of the random first phases; the same seed gives the same waveform. `"zero"` starts from zero phases. */
  seed?: number | "zero";
}

/** Rounds of the non-negative fit; the error is far below what Griffin-Lim leaves after these. */
const NNLS_ITERATIONS = 40;

/**
 * The waveform of the decoder's log-mel spectrogram ({@link decoderMel}), 22.05 kHz, frames × 256 samples in [-1, 1].
 * Deterministic for a given seed.
 */
export function griffinLim(mel: MelFeatures, options: GriffinLimOptions = {}): Float32Array {
  const magnitudes = melToMagnitudes(mel);
  return reconstructPhase(magnitudes, mel.frames, options);
}

/**
 * Linear magnitudes, frames × 513, whose mel bands best match a natural-log mel spectrogram: least squares with
 * non-negative answers, by multiplicative updates (Lee & Seung 2001). Bins above the mel range are 0.
 */
export function melToMagnitudes(mel: MelFeatures): Float32Array {
  const filters = decoderMelFilters();
  const { bins } = filters;
  const { frames } = mel;
  const out = new Float32Array(frames * bins);
  const target = new Float64Array(filters.mels);
  const estimate = new Float64Array(filters.mels);
  const spectrum = new Float64Array(bins);
  const wanted = new Float64Array(bins);
  const reached = new Float64Array(bins);
  for (let t = 0; t < frames; t++) {
    for (let b = 0; b < filters.mels; b++) target[b] = Math.exp(mel.data[b * frames + t]!);
    spread(filters, target, wanted);
    spectrum.set(wanted);
    for (let i = 0; i < NNLS_ITERATIONS; i++) {
      for (let b = 0; b < filters.mels; b++) {
        const weights = filters.weights[b]!;
        let sum = 0;
        for (let j = 0, k = filters.starts[b]!; j < weights.length; j++, k++) sum += weights[j]! * spectrum[k]!;
        estimate[b] = sum;
      }
      spread(filters, estimate, reached);
      for (let k = 0; k < bins; k++) if (reached[k]! > 0) spectrum[k]! *= wanted[k]! / reached[k]!;
    }
    out.set(spectrum, t * bins);
  }
  return out;
}

/** The transposed filter bank: band values to bins. */
function spread(filters: MelFilters, bands: Float64Array, out: Float64Array): void {
  out.fill(0);
  for (let b = 0; b < filters.mels; b++) {
    const weights = filters.weights[b]!;
    const value = bands[b]!;
    for (let j = 0, k = filters.starts[b]!; j < weights.length; j++, k++) out[k]! += weights[j]! * value;
  }
}

/** A small fast generator of uniform numbers (G. Marsaglia's xorshift32). */
function uniform(seed: number): () => number {
  let state = (seed ^ 0x9e3779b9) | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** A signal of frames × 256 samples whose 1024-point spectra have the given magnitudes, frames × 513. */
export function reconstructPhase(
  magnitudes: Float32Array,
  frames: number,
  options: GriffinLimOptions = {},
): Float32Array {
  const { iterations = 40, momentum = 0.99, seed = 0 } = options;
  if (frames === 0) return new Float32Array(0);
  const bins = DECODER_N_FFT / 2 + 1;
  const random = seed === "zero" ? () => 0 : uniform(seed);
  const re = new Float32Array(frames * bins);
  const im = new Float32Array(frames * bins);
  for (let i = 0; i < re.length; i++) {
    const phase = 2 * Math.PI * random();
    re[i] = magnitudes[i]! * Math.cos(phase);
    im[i] = magnitudes[i]! * Math.sin(phase);
  }
  const transform = new ShortTimeTransform(frames);
  const previousRe = new Float32Array(frames * bins);
  const previousIm = new Float32Array(frames * bins);
  for (let round = 0; round < iterations; round++) {
    const signal = transform.inverse(re, im);
    transform.forward(signal, (i, r, j) => {
      // The projection onto signals, pushed on in the direction of the last step.
      const tr = r + momentum * (r - previousRe[i]!);
      const tj = j + momentum * (j - previousIm[i]!);
      previousRe[i] = r;
      previousIm[i] = j;
      const scale = magnitudes[i]! / Math.max(Math.sqrt(tr * tr + tj * tj), 1e-12);
      re[i] = tr * scale;
      im[i] = tj * scale;
    });
  }
  const pad = (DECODER_N_FFT - DECODER_HOP_LENGTH) / 2;
  const signal = transform.inverse(re, im);
  const out = new Float32Array(frames * DECODER_HOP_LENGTH);
  for (let i = 0; i < out.length; i++) out[i] = Math.max(-1, Math.min(1, signal[pad + i]!));
  return out;
}

/** Forward and inverse transforms of overlapping Hann frames; two real frames share one complex transform. */
class ShortTimeTransform {
  readonly #fft = new Fft(DECODER_N_FFT);
  readonly #window = Float64Array.from(hannWindow(DECODER_N_FFT));
  readonly #frames: number;
  readonly #re = new Float64Array(DECODER_N_FFT);
  readonly #im = new Float64Array(DECODER_N_FFT);
  readonly #signal: Float64Array;
  /** One over the summed squared windows at each sample. */
  readonly #scale: Float64Array;

  constructor(frames: number) {
    this.#frames = frames;
    const length = (frames - 1) * DECODER_HOP_LENGTH + DECODER_N_FFT;
    this.#signal = new Float64Array(length);
    this.#scale = new Float64Array(length);
    for (let t = 0; t < frames; t++) {
      const at = t * DECODER_HOP_LENGTH;
      for (let i = 0; i < DECODER_N_FFT; i++) this.#scale[at + i]! += this.#window[i]! ** 2;
    }
    // Towards the very ends windows vanish; dividing by almost nothing would blow up rounding errors there.
    for (let i = 0; i < length; i++) this.#scale[i] = 1 / Math.max(this.#scale[i]!, 1e-2);
  }

  /** The signal whose windowed frames come closest to the spectra; the array is reused. */
  inverse(re: Float32Array, im: Float32Array): Float64Array {
    const n = DECODER_N_FFT;
    const bins = n / 2 + 1;
    const [zr, zi, signal, window] = [this.#re, this.#im, this.#signal, this.#window];
    signal.fill(0);
    for (let t = 0; t < this.#frames; t += 2) {
      const a = t * bins;
      const pair = t + 1 < this.#frames;
      const b = pair ? a + bins : a;
      // Z = A + i·B, with both halves filled by symmetry, comes back as a + i·b.
      for (let k = 0; k < bins; k++) {
        const [ar, ai, br, bi] = [re[a + k]!, im[a + k]!, re[b + k]!, im[b + k]!];
        const edge = k === 0 || k === bins - 1;
        zr[k] = edge ? ar : ar - bi;
        zi[k] = edge ? br : ai + br;
        if (!edge) {
          zr[n - k] = ar + bi;
          zi[n - k] = br - ai;
        }
      }
      this.#fft.inverse(zr, zi);
      const at = t * DECODER_HOP_LENGTH;
      for (let i = 0; i < n; i++) signal[at + i]! += zr[i]! * window[i]!;
      if (pair) {
        const next = at + DECODER_HOP_LENGTH;
        for (let i = 0; i < n; i++) signal[next + i]! += zi[i]! * window[i]!;
      }
    }
    for (let i = 0; i < signal.length; i++) signal[i]! *= this.#scale[i]!;
    return signal;
  }

  /** Calls `visit(index, re, im)` for every bin of every frame, index = frame · 513 + bin. */
  forward(signal: Float64Array, visit: (index: number, re: number, im: number) => void): void {
    const n = DECODER_N_FFT;
    const bins = n / 2 + 1;
    const [zr, zi, window] = [this.#re, this.#im, this.#window];
    for (let t = 0; t < this.#frames; t += 2) {
      const a = t * DECODER_HOP_LENGTH;
      const pair = t + 1 < this.#frames;
      const b = pair ? a + DECODER_HOP_LENGTH : a;
      for (let i = 0; i < n; i++) {
        zr[i] = signal[a + i]! * window[i]!;
        zi[i] = signal[b + i]! * window[i]!;
      }
      this.#fft.forward(zr, zi);
      const first = t * bins;
      for (let k = 0; k < bins; k++) {
        const m = k === 0 ? 0 : n - k;
        visit(first + k, (zr[k]! + zr[m]!) / 2, (zi[k]! - zi[m]!) / 2);
        if (pair) visit(first + bins + k, (zi[k]! + zi[m]!) / 2, (zr[m]! - zr[k]!) / 2);
      }
    }
  }
}
