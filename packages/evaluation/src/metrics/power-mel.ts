/** Mel spectrograms of power as librosa.feature.melspectrogram gives them: centred frames, zeros beyond the ends. */
import { forEachPowerSpectrum, hannWindow, type MelFilters, melFilters } from "@uat/audio";

export interface PowerMelOptions {
  /** Hz */
  readonly sampleRate: number;
  /** Window and transform in samples; may be odd. */
  readonly nFft: number;
  /** Samples between frames. */
  readonly hop: number;
  readonly mels: number;
}

/** Frames after one another: `data` [frames, mels]. */
export interface PowerMel {
  readonly data: Float32Array;
  readonly frames: number;
  readonly mels: number;
}

/** Periodic Hann frames centred on every `hop`-th sample → squared magnitudes → Slaney's mel filters up to half the rate. */
export function powerMel(samples: Float32Array, options: PowerMelOptions): PowerMel {
  const { sampleRate, nFft, hop, mels } = options;
  const pad = Math.floor(nFft / 2);
  const padded = new Float32Array(samples.length + 2 * pad);
  padded.set(samples, pad);
  const frames = padded.length < nFft ? 0 : Math.floor((padded.length - nFft) / hop) + 1;
  const filters = melFilters({ sampleRate, nFft, mels });
  const data = new Float32Array(frames * mels);
  const window = hannWindow(nFft);
  const visit = (frame: number, power: Float64Array) => {
    for (let band = 0; band < mels; band++) data[frame * mels + band] = weighted(filters, band, power);
  };
  if (nFft % 2 === 0) forEachPowerSpectrum(padded, { nFft, hop, window, frames }, visit);
  else forEachOddSpectrum(padded, { nFft, hop, window, frames }, visit);
  return { data, frames, mels };
}

function weighted(filters: MelFilters, band: number, power: Float64Array): number {
  const weights = filters.weights[band] as Float32Array;
  const start = filters.starts[band] as number;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * (power[start + i] as number);
  return sum;
}

/**
 * As forEachPowerSpectrum, for odd sizes, which the fast transform does not have: the sums as they are defined, over
 * pairs of samples that lie as far before the window's end as after its start.
 */
function forEachOddSpectrum(
  signal: Float32Array,
  { nFft, hop, window, frames }: { nFft: number; hop: number; window: Float32Array; frames: number },
  visit: (frame: number, power: Float64Array) => void,
): void {
  const half = (nFft - 1) / 2;
  const cos = Float64Array.from({ length: nFft }, (_, i) => Math.cos((2 * Math.PI * i) / nFft));
  const sin = Float64Array.from({ length: nFft }, (_, i) => Math.sin((2 * Math.PI * i) / nFft));
  const even = new Float64Array(half + 1);
  const odd = new Float64Array(half + 1);
  const power = new Float64Array(half + 1);
  for (let t = 0; t < frames; t++) {
    const at = (i: number) => (signal[t * hop + i] as number) * (window[i] as number);
    for (let i = 1; i <= half; i++) {
      even[i] = at(i) + at(nFft - i);
      odd[i] = at(i) - at(nFft - i);
    }
    const first = at(0);
    for (let k = 0; k <= half; k++) {
      let re = first;
      let im = 0;
      for (let i = 1, phase = k; i <= half; i++) {
        re += (even[i] as number) * (cos[phase] as number);
        im += (odd[i] as number) * (sin[phase] as number);
        phase += k;
        if (phase >= nFft) phase -= nFft;
      }
      power[k] = re * re + im * im;
    }
    visit(t, power);
  }
}
