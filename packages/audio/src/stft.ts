/** Windows, reflection padding and short-time Fourier magnitudes: what both mel spectrograms start from. */
import { AudioError } from "./errors.ts";
import { Fft } from "./fft.ts";

/** The periodic Hann window of n points: 0.5 - 0.5·cos(2πi/n), rounded to float32 as torch's is. */
export function hannWindow(n: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n));
}

/**
 * Mirrors `pad` samples at both ends without repeating the edge sample.
 * @throws AudioError when the signal is not longer than the padding, for then there is nothing to mirror.
 */
export function reflectPad(samples: Float32Array, pad: number): Float32Array {
  const n = samples.length;
  if (n <= pad) {
    throw new AudioError(`a clip of ${n} samples: expected at least ${pad + 1} for one frame; pad it with zeros first`);
  }
  const out = new Float32Array(n + 2 * pad);
  out.set(samples, pad);
  for (let i = 0; i < pad; i++) {
    out[i] = samples[pad - i]!;
    out[pad + n + i] = samples[n - 2 - i]!;
  }
  return out;
}

/**
 * Calls `visit(frame, power)` with the squared magnitudes, nFft/2 + 1 values, of each of `frames` windowed frames of
 * `signal`, frame t starting at t·hop. The array is reused between calls. Frames go through the FFT in pairs.
 */
export function forEachPowerSpectrum(
  signal: Float32Array,
  options: { nFft: number; hop: number; window: Float32Array; frames: number },
  visit: (frame: number, power: Float64Array) => void,
): void {
  const { nFft, hop, window, frames } = options;
  const fft = new Fft(nFft);
  const re = new Float64Array(nFft);
  const im = new Float64Array(nFft);
  const bins = nFft / 2 + 1;
  const powerA = new Float64Array(bins);
  const powerB = new Float64Array(bins);
  for (let t = 0; t < frames; t += 2) {
    const a = t * hop;
    const pair = t + 1 < frames;
    const b = pair ? a + hop : a;
    for (let i = 0; i < nFft; i++) {
      const w = window[i]!;
      re[i] = signal[a + i]! * w;
      im[i] = signal[b + i]! * w;
    }
    fft.forward(re, im);
    powerA[0] = re[0]! * re[0]!;
    powerB[0] = im[0]! * im[0]!;
    for (let k = 1; k < bins; k++) {
      const rk = re[k]!;
      const ik = im[k]!;
      const rn = re[nFft - k]!;
      const jn = im[nFft - k]!;
      const ar = rk + rn;
      const ai = ik - jn;
      const br = ik + jn;
      const bi = rn - rk;
      powerA[k] = (ar * ar + ai * ai) / 4;
      powerB[k] = (br * br + bi * bi) / 4;
    }
    visit(t, powerA);
    if (pair) visit(t + 1, powerB);
  }
}
