/**
 * Triangular mel filters on Slaney's scale with Slaney's area normalisation, as librosa and Whisper have them:
 * linear below 1 kHz (200/3 Hz a mel), logarithmic above (27 mels a factor of 6.4), each triangle of area one.
 */

/** A filter bank stored by its non-zero weights. */
export interface MelFilters {
  readonly mels: number;
  readonly bins: number;
  /** First bin of each band. */
  readonly starts: Int32Array;
  /** Weights of each band from its first bin on, float32. */
  readonly weights: Float32Array[];
}

const HZ_PER_MEL = 200 / 3;
const BREAK_HZ = 1000;
const BREAK_MEL = BREAK_HZ / HZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

/** Hz to Slaney mels. */
export function hzToMel(hz: number): number {
  return hz < BREAK_HZ ? hz / HZ_PER_MEL : BREAK_MEL + Math.log(hz / BREAK_HZ) / LOG_STEP;
}

/** Slaney mels to Hz. */
export function melToHz(mel: number): number {
  return mel < BREAK_MEL ? mel * HZ_PER_MEL : BREAK_HZ * Math.exp(LOG_STEP * (mel - BREAK_MEL));
}

const cache = new Map<string, MelFilters>();

/** The bank for `nFft`-point spectra at `sampleRate` Hz with `mels` bands over [minHz, maxHz]. */
export function melFilters(options: {
  sampleRate: number;
  nFft: number;
  mels: number;
  minHz?: number;
  maxHz?: number;
}): MelFilters {
  const { sampleRate, nFft, mels, minHz = 0, maxHz = sampleRate / 2 } = options;
  const key = [sampleRate, nFft, mels, minHz, maxHz].join();
  const known = cache.get(key);
  if (known) return known;
  const bins = Math.floor(nFft / 2) + 1;
  const low = hzToMel(minHz);
  const high = hzToMel(maxHz);
  const edges = Array.from({ length: mels + 2 }, (_, i) => melToHz(low + ((high - low) * i) / (mels + 1)));
  const starts = new Int32Array(mels);
  const weights: Float32Array[] = [];
  for (let band = 0; band < mels; band++) {
    const [left, centre, right] = [edges[band]!, edges[band + 1]!, edges[band + 2]!];
    const area = 2 / (right - left);
    const row = Float32Array.from({ length: bins }, (_, k) => {
      const hz = (k * sampleRate) / nFft;
      return area * Math.max(0, Math.min((hz - left) / (centre - left), (right - hz) / (right - centre)));
    });
    let first = row.findIndex((w) => w > 0);
    const last = row.findLastIndex((w) => w > 0);
    if (first < 0) first = 0;
    starts[band] = first;
    weights.push(row.slice(first, Math.max(first, last + 1)));
  }
  const filters = { mels, bins, starts, weights };
  cache.set(key, filters);
  return filters;
}

/** One band's energy: its weights times the spectrum, summed. */
export function bandEnergy(filters: MelFilters, band: number, spectrum: Float64Array): number {
  const weights = filters.weights[band]!;
  const start = filters.starts[band]!;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]! * spectrum[start + i]!;
  return sum;
}
