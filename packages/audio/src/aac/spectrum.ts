/** From what the stream holds to spectra: step sizes, noise, stereo, noise shaping (ISO/IEC 14496-3, 4.6.2 to 4.6.13). */
import {
  type ChannelData,
  Codebooks,
  FRAME,
  SHORT,
  type ShapingFilter,
  WindowSequence,
  type Windows,
} from "./channel-data.ts";

/** Magnitudes by quantized value: value^(4/3). */
const POWERS = Float64Array.from({ length: 8192 + 64 }, (_, value) => value ** (4 / 3));

/** Calls `visit` for each band of each window: its number, and where its coefficients lie. */
function eachBand(
  { groups, bandCount, bands }: Windows,
  visit: (band: number, from: number, to: number) => void,
): void {
  let window = 0;
  for (const [group, length] of groups.entries()) {
    for (let i = 0; i < length; i++, window++) {
      for (let band = 0; band < bandCount; band++) {
        const at = window * SHORT;
        visit(group * bandCount + band, at + bands.offsets[band]!, at + bands.offsets[band + 1]!);
      }
    }
  }
}

/** Coefficients of a channel, without noise and intensity bands. */
export function dequantize({ windows, codebooks, scaleFactors, quantized }: ChannelData): Float64Array {
  const out = new Float64Array(FRAME);
  eachBand(windows, (band, from, to) => {
    if (codebooks[band] === Codebooks.zero || codebooks[band]! > Codebooks.escape) return;
    const step = 2 ** ((scaleFactors[band]! - 100) / 4);
    for (let i = from; i < to; i++) {
      const value = quantized[i]!;
      out[i] = value < 0 ? -POWERS[-value]! * step : POWERS[value]! * step;
    }
  });
  return out;
}

/** Pseudo-random numbers for noise bands; the standard leaves their choice open. */
export class NoiseSource {
  #state = 1;

  next(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) | 0;
    return this.#state;
  }
}

/** Fills the noise bands of a channel. */
export function fillNoise(
  { windows, codebooks, scaleFactors }: ChannelData,
  out: Float64Array,
  noise: NoiseSource,
): void {
  if (!codebooks.includes(Codebooks.noise)) return;
  eachBand(windows, (band, from, to) => {
    if (codebooks[band] !== Codebooks.noise) return;
    let energy = 0;
    for (let i = from; i < to; i++) {
      const value = noise.next();
      out[i] = value;
      energy += value * value;
    }
    const scale = 2 ** (scaleFactors[band]! / 4) / Math.sqrt(energy);
    for (let i = from; i < to; i++) out[i]! *= scale;
  });
}

/**
 * Makes left and right of what a pair holds: sum and difference, noise in common, intensity of the left channel.
 * @param mask by band, 1 where the pair is joined (ms_used); turns the sign of intensity bands, also where all bands are
 * marked at once, as encoders and browsers have it.
 */
export function joinPair(
  left: ChannelData,
  right: ChannelData,
  mask: Uint8Array,
  l: Float64Array,
  r: Float64Array,
): void {
  eachBand(right.windows, (band, from, to) => {
    const used = mask[band] === 1;
    const codebook = right.codebooks[band]!;
    const position = right.scaleFactors[band]!;
    if (codebook >= Codebooks.intensityInverse) {
      const inverse = (codebook === Codebooks.intensityInverse) !== used;
      const scale = (inverse ? -1 : 1) * 0.5 ** (position / 4);
      for (let i = from; i < to; i++) r[i] = l[i]! * scale;
    } else if (used && codebook === Codebooks.noise && left.codebooks[band] === Codebooks.noise) {
      const scale = 2 ** ((position - left.scaleFactors[band]!) / 4);
      for (let i = from; i < to; i++) r[i] = l[i]! * scale;
    } else if (used && codebook <= Codebooks.escape && left.codebooks[band]! <= Codebooks.escape) {
      for (let i = from; i < to; i++) {
        const sum = l[i]!;
        l[i] = sum + r[i]!;
        r[i] = sum - r[i]!;
      }
    }
  });
}

/** Applies the filters of temporal noise shaping. */
export function shapeNoise({ windows, filters }: ChannelData, spectrum: Float64Array): void {
  const { bands, bandCount, sequence } = windows;
  const limit = Math.min(bands.shapingLimit, bandCount);
  for (const [window, list] of filters.entries()) {
    const at = sequence === WindowSequence.short ? window * SHORT : 0;
    for (const filter of list) {
      const from = at + bands.offsets[Math.min(filter.from, limit)]!;
      const to = at + bands.offsets[Math.min(filter.to, limit)]!;
      if (to > from) shape(filter, spectrum, from, to);
    }
  }
}

/** Runs the all-pole filter over [from, to), upwards or downwards. */
function shape({ reflections, downwards }: ShapingFilter, spectrum: Float64Array, from: number, to: number): void {
  const order = reflections.length;
  const poles = new Float64Array(order);
  const before = new Float64Array(order);
  for (const [m, reflection] of reflections.entries()) {
    before.set(poles);
    for (let i = 0; i < m; i++) poles[i] = before[i]! + reflection * before[m - 1 - i]!;
    poles[m] = reflection;
  }
  const step = downwards ? -1 : 1;
  const length = to - from;
  let at = downwards ? to - 1 : from;
  for (let n = 0; n < length; n++, at += step) {
    let value = spectrum[at]!;
    for (let i = 0; i < Math.min(order, n); i++) value -= poles[i]! * spectrum[at - (i + 1) * step]!;
    spectrum[at] = value;
  }
}
