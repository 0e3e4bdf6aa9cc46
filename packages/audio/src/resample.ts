/**
 * Sample-rate conversion equal to torchaudio's default: a Hann-windowed sinc, six zero crossings to each side, cut off
 * at 0.99 of the lower Nyquist frequency (J. O. Smith, Digital Audio Resampling).
 *
 * With both rates divided by their greatest common divisor to o (in) and m (out), output sample i = k·m + p depends on
 * the inputs around k·o through one of m fixed filters, the phases p. torchaudio stores every phase with o + 2w taps,
 * of which all but about 2w are zero; here each phase keeps its non-zero taps only and only wanted outputs are computed.
 */
import { checkSampleRate } from "./audio-stream.ts";
import { AudioError } from "./errors.ts";

const LOWPASS_WIDTH = 6;
const ROLLOFF = 0.99;
/** Most filter taps over all phases: 16 MB of float32. Pairs of rates in use need a fraction of it. */
const MAX_KERNEL_TAPS = 1 << 22;

interface Kernel {
  /** Input samples per m output samples. */
  o: number;
  /** Number of phases. */
  m: number;
  /** First input sample of each phase, relative to k·o; may be negative. */
  starts: Int32Array;
  /** Where each phase's taps begin in `taps`; one more entry than phases. */
  offsets: Int32Array;
  taps: Float32Array;
}

const kernels = new Map<string, Kernel>();

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function kernelFor(from: number, to: number): Kernel {
  const divisor = gcd(from, to);
  const o = from / divisor;
  const m = to / divisor;
  const key = `${o}/${m}`;
  const known = kernels.get(key);
  if (known) return known;
  const base = Math.min(o, m) * ROLLOFF;
  const w = Math.ceil((LOWPASS_WIDTH * o) / base);
  const reach = (LOWPASS_WIDTH * o) / base;
  if (m * (2 * reach + 2) > MAX_KERNEL_TAPS) {
    throw new AudioError(
      `resampling from ${from} Hz to ${to} Hz needs a filter of ${Math.round(m * 2 * reach)} taps, more than ${MAX_KERNEL_TAPS}; give a common rate such as 44100 or 48000`,
    );
  }
  const starts = new Int32Array(m);
  const offsets = new Int32Array(m + 1);
  const taps: number[] = [];
  for (let p = 0; p < m; p++) {
    // Taps outside |t| < 6 are clamped onto the window's zero, so they vanish in float32.
    const centre = (p / m) * o;
    const first = Math.max(0, Math.ceil(centre - reach) + w);
    const last = Math.min(2 * w + o - 1, Math.floor(centre + reach) + w);
    starts[p] = first - w;
    for (let j = first; j <= last; j++) taps.push(tap((j - w) / o - p / m, base, o));
    offsets[p + 1] = taps.length;
  }
  const kernel = { o, m, starts, offsets, taps: Float32Array.from(taps) };
  // A handful of rates occurs in one process; a long-lived server fed odd rates must not collect kernels for ever.
  if (kernels.size >= 16) kernels.clear();
  kernels.set(key, kernel);
  return kernel;
}

function tap(distance: number, base: number, o: number): number {
  const t = Math.max(-LOWPASS_WIDTH, Math.min(LOWPASS_WIDTH, distance * base));
  const hann = Math.cos((Math.PI * t) / (2 * LOWPASS_WIDTH)) ** 2;
  const sinc = t === 0 ? 1 : Math.sin(Math.PI * t) / (Math.PI * t);
  return (sinc * hann * base) / o;
}

/** Samples that n input samples become: ceil(n · to / from). */
export function resampledLength(n: number, from: number, to: number): number {
  const divisor = gcd(from, to);
  return Math.ceil((n * (to / divisor)) / (from / divisor));
}

/**
 * Converts one channel block by block; the outputs joined equal {@link resample} of the inputs joined.
 * Holds a few dozen input samples between calls.
 */
export class Resampler {
  readonly from: number;
  readonly to: number;
  readonly #kernel: Kernel | undefined;
  /** Input samples from #start on that later outputs still need. */
  #tail = new Float32Array(0);
  #start = 0;
  #received = 0;
  /** Outputs given so far. */
  #emitted = 0;

  /** @throws AudioError for rates outside 1000…768000 Hz, and for pairs whose filter would be enormous. */
  constructor(from: number, to: number) {
    checkSampleRate(from, "resampler input");
    checkSampleRate(to, "resampler output");
    this.from = from;
    this.to = to;
    this.#kernel = from === to ? undefined : kernelFor(from, to);
  }

  /** The outputs that `input`, samples of one channel, completes. With equal rates this is `input` itself. */
  push(input: Float32Array): Float32Array {
    if (!this.#kernel) return input;
    const kept = this.#tail.length;
    const signal = new Float32Array(kept + input.length);
    signal.set(this.#tail);
    signal.set(input, kept);
    this.#received += input.length;
    return this.#produce(signal, this.#ready());
  }

  /** The last outputs, with silence assumed after the last input. The resampler is then used up. */
  flush(): Float32Array {
    if (!this.#kernel) return new Float32Array(0);
    return this.#produce(this.#tail, resampledLength(this.#received, this.from, this.to));
  }

  /** Outputs whose taps all lie within the samples received. */
  #ready(): number {
    const { o, m, starts, offsets } = this.#kernel!;
    // Guess from above, then step back over outputs that reach past the end: at most a few phases.
    let count = Math.floor((this.#received * m) / o);
    while (count > this.#emitted) {
      const i = count - 1;
      const p = i % m;
      const last = ((i - p) / m) * o + starts[p]! + (offsets[p + 1]! - offsets[p]!) - 1;
      if (last < this.#received) break;
      count--;
    }
    return Math.max(count, this.#emitted);
  }

  #produce(signal: Float32Array, until: number): Float32Array {
    const { o, m, starts, offsets, taps } = this.#kernel!;
    const out = new Float32Array(until - this.#emitted);
    const base = this.#start;
    const n = signal.length;
    let p = this.#emitted % m;
    let k = (this.#emitted - p) / m;
    for (let i = 0; i < out.length; i++) {
      let x = k * o + starts[p]! - base;
      let j = offsets[p]!;
      let end = offsets[p + 1]!;
      // Silence before the first and after the last sample: leave those taps out.
      if (x < 0) {
        j -= x;
        x = 0;
      }
      if (x + (end - j) > n) end = j + (n - x);
      let sum = 0;
      for (; j < end; j++, x++) sum += taps[j]! * signal[x]!;
      out[i] = sum;
      if (++p === m) {
        p = 0;
        k++;
      }
    }
    this.#emitted = until;
    // Starts never decrease with the output index, so the next output's first tap bounds what is still needed.
    const next = Math.max(0, Math.min(n, k * o + starts[p]! - base));
    this.#tail = signal.slice(next);
    this.#start = base + next;
    return out;
  }
}

/**
 * `samples` (one channel at `from` Hz) at `to` Hz: ceil(n · to / from) samples, equal to
 * `torchaudio.functional.resample` with its defaults to within float32 rounding.
 * @throws AudioError as {@link Resampler}.
 */
export function resample(samples: Float32Array, from: number, to: number): Float32Array {
  const resampler = new Resampler(from, to);
  if (from === to) return samples.slice();
  const head = resampler.push(samples);
  const rest = resampler.flush();
  const out = new Float32Array(head.length + rest.length);
  out.set(head);
  out.set(rest, head.length);
  return out;
}
