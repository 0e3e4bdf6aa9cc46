/** From spectra to samples: inverse transform, windows, overlap (ISO/IEC 14496-3, 4.6.11). */
import { Fft } from "../fft.ts";
import { FRAME, SHORT, WindowSequence } from "./channel-data.ts";

/** A type-IV cosine transform of `size` numbers, by a complex transform of half that size. */
class CosineTransform {
  readonly #size: number;
  readonly #fft: Fft;
  readonly #cos: Float64Array;
  readonly #sin: Float64Array;
  readonly #re: Float64Array;
  readonly #im: Float64Array;

  constructor(size: number) {
    const half = size / 2;
    this.#size = size;
    this.#fft = new Fft(half);
    const angle = (_: unknown, n: number) => (-Math.PI * (n + 1 / 8)) / size;
    this.#cos = Float64Array.from({ length: half }, (_, n) => Math.cos(angle(_, n)));
    this.#sin = Float64Array.from({ length: half }, (_, n) => Math.sin(angle(_, n)));
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
  }

  /** Writes Σ x[at + k]·cos(π/size·(n + ½)(k + ½)) into out[n]. */
  run(x: Float64Array, at: number, out: Float64Array): void {
    const size = this.#size;
    const re = this.#re;
    const im = this.#im;
    for (let n = 0; n < size / 2; n++) {
      const a = x[at + 2 * n]!;
      const b = x[at + size - 1 - 2 * n]!;
      const c = this.#cos[n]!;
      const s = this.#sin[n]!;
      re[n] = a * c - b * s;
      im[n] = a * s + b * c;
    }
    this.#fft.forward(re, im);
    for (let n = 0; n < size / 2; n++) {
      const c = this.#cos[n]!;
      const s = this.#sin[n]!;
      out[2 * n] = re[n]! * c - im[n]! * s;
      out[size - 1 - 2 * n] = -(re[n]! * s + im[n]! * c);
    }
  }
}

/** Rising halves of the windows of one length: sine, Kaiser-Bessel. */
function slopes(length: number, alpha: number): readonly [Float64Array, Float64Array] {
  const sine = Float64Array.from({ length }, (_, n) => Math.sin((Math.PI * (n + 0.5)) / (2 * length)));
  const kaiser = Float64Array.from({ length: length + 1 }, (_, n) =>
    bessel(Math.PI * alpha * Math.sqrt(1 - ((2 * n) / length - 1) ** 2)),
  );
  const total = kaiser.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  return [sine, Float64Array.from({ length }, (_, n) => Math.sqrt((sum += kaiser[n]!) / total))];
}

/** The modified Bessel function of order 0. */
function bessel(x: number): number {
  let sum = 1;
  for (let k = 1, term = 1; term > sum * 1e-18; k++) sum += term *= (x / (2 * k)) ** 2;
  return sum;
}

const longSlopes = slopes(FRAME, 4);
const shortSlopes = slopes(SHORT, 6);
/** Where the short windows begin and end inside a long one. */
const FLAT = (FRAME - SHORT) / 2;

/** The filter bank of one channel: it keeps the second half of the last packet's windows. */
export class FilterBank {
  readonly #long: CosineTransform = new CosineTransform(FRAME);
  readonly #short: CosineTransform = new CosineTransform(SHORT);
  readonly #folded: Float64Array = new Float64Array(FRAME);
  readonly #windowed: Float64Array = new Float64Array(2 * FRAME);
  readonly #overlap: Float64Array = new Float64Array(FRAME);
  #shape = 0;

  /** The packet's samples, which its spectrum and the last one complete, within ±1. */
  run(spectrum: Float64Array, sequence: number, shape: number): Float32Array {
    const y = this.#windowed;
    if (sequence === WindowSequence.short) {
      y.fill(0);
      for (let window = 0; window < 8; window++) {
        this.#short.run(spectrum, window * SHORT, this.#folded);
        const rise = shortSlopes[window === 0 ? this.#shape : shape]!;
        this.#unfold(SHORT, FLAT + window * SHORT, rise, shortSlopes[shape]!);
      }
    } else {
      this.#long.run(spectrum, 0, this.#folded);
      y.fill(0);
      this.#unfold(
        FRAME,
        0,
        sequence === WindowSequence.stop ? shortSlopes[this.#shape]! : longSlopes[this.#shape]!,
        sequence === WindowSequence.start ? shortSlopes[shape]! : longSlopes[shape]!,
      );
    }
    this.#shape = shape;
    const out = new Float32Array(FRAME);
    for (let i = 0; i < FRAME; i++) out[i] = y[i]! + this.#overlap[i]!;
    this.#overlap.set(y.subarray(FRAME));
    return out;
  }

  /** Adds the transform's 2·size samples, which the folded ones repeat, under the given slopes from `at` on. */
  #unfold(size: number, at: number, rise: Float64Array, fall: Float64Array): void {
    const d = this.#folded;
    const y = this.#windowed;
    // The transform is normed by 1/size; 16-bit samples become ±1.
    const scale = 1 / (size * 32768);
    const half = size / 2;
    const before = (size - rise.length) / 2;
    const after = (size - fall.length) / 2;
    for (let n = before; n < size; n++) {
      const slope = n < size - before ? rise[n - before]! : 1;
      const value = n < half ? d[half + n]! : -d[size + half - 1 - n]!;
      y[at + n]! += value * slope * scale;
    }
    for (let n = 0; n < size - after; n++) {
      const slope = n < after ? 1 : fall[size - after - 1 - n]!;
      const value = n < half ? -d[half - 1 - n]! : -d[n - half]!;
      y[at + size + n]! += value * slope * scale;
    }
  }
}
