/**
 * Resampling by a rational factor as Octave's `resample` and pystoi do it, for metrics that have to agree with them: a
 * Kaiser-windowed sinc of 60 dB rejection whose stop band begins at the lower of both Nyquist frequencies.
 */

const REJECTION_DB = 60;
const BETA = 0.1102 * (REJECTION_DB - 8.7);

/** Samples at `to` Hz: ceil(n · to / from) of them. */
export function polyphaseResample(samples: Float32Array, from: number, to: number): Float64Array {
  if (from === to) return Float64Array.from(samples);
  const divisor = greatestCommonDivisor(from, to);
  const [up, down] = [to / divisor, from / divisor];
  const { taps, half } = lowPass(up, down);
  const out = new Float64Array(Math.ceil((samples.length * up) / down));
  for (let m = 0; m < out.length; m++) {
    // output m lies at input time m·down/up; tap k of the filter is for the zero-stuffed sample m·down + half − k
    const centre = m * down + half;
    const first = Math.max(0, Math.ceil((centre - 2 * half) / up));
    const last = Math.min(samples.length - 1, Math.floor(centre / up));
    let sum = 0;
    for (let i = first; i <= last; i++) sum += (taps[centre - i * up] as number) * (samples[i] as number);
    out[m] = sum;
  }
  return out;
}

/** 2·half + 1 taps that sum to `up`. */
function lowPass(up: number, down: number): { taps: Float64Array; half: number } {
  const cutoff = 1 / (2 * Math.max(up, down));
  const half = Math.ceil((REJECTION_DB - 8) / (28.714 * (cutoff / 10)));
  const taps = Float64Array.from({ length: 2 * half + 1 }, (_, i) => {
    const x = 2 * cutoff * (i - half);
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
    return (sinc * bessel0(BETA * Math.sqrt(1 - ((i - half) / half) ** 2))) / bessel0(BETA);
  });
  const sum = taps.reduce((a, b) => a + b, 0);
  return { taps: taps.map((v) => (v * up) / sum), half };
}

/** Modified Bessel function of the first kind and order 0, by its series. */
function bessel0(x: number): number {
  let [sum, term] = [1, 1];
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));
