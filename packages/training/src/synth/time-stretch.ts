/**
 * Speech faster or slower at its own pitch, and higher or lower at its own pace: WSOLA (W. Verhelst and M. Roelands, "An
 * overlap-add technique based on waveform similarity…", ICASSP 1993). Frames are taken from the input at another pace
 * than they are laid down, each moved by up to half a hop to where it continues the frame before most alike.
 */
import { resample } from "@uat/audio";

/** Seconds of a frame and of its search range to either side. */
const FRAME = 0.032;
const SEARCH = 0.008;

/** `samples` at `rate` times their pace: length / rate samples, same pitch. */
export function changePace(samples: Float32Array, rate: number, sampleRate: number): Float32Array {
  if (Math.abs(rate - 1) < 1e-3) return samples;
  const hop = Math.round((FRAME / 2) * sampleRate);
  const search = Math.round(SEARCH * sampleRate);
  const window = Float32Array.from({ length: 2 * hop }, (_, i) => 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / hop));
  // silence around, so that every frame and every place searched lies within
  const margin = 4 * hop + search;
  const signal = new Float32Array(samples.length + 2 * margin + Math.ceil(2 * hop * rate));
  signal.set(samples, margin);
  const length = Math.round(samples.length / rate);
  const out = new Float32Array(length);
  // frame 0 lies half before the start, so that every sample is under two windows
  let from = margin - hop;
  for (let to = -hop; to < length; to += hop) {
    if (to > -hop) from = mostAlike(signal, from + hop, margin + Math.round((to + hop) * rate) - hop, search, hop);
    for (let i = Math.max(0, -to); i < 2 * hop && to + i < length; i++)
      out[to + i] = out[to + i]! + window[i]! * signal[from + i]!;
  }
  return out;
}

/** The start near `wanted` whose first `hop` samples correlate best with the natural continuation at `natural`. */
function mostAlike(signal: Float32Array, natural: number, wanted: number, search: number, hop: number): number {
  let best = wanted;
  let most = Number.NEGATIVE_INFINITY;
  let power = 1e-9;
  for (let i = 0; i < hop; i++) power += signal[wanted - search + i]! ** 2;
  for (let start = wanted - search; start <= wanted + search; start++) {
    let product = 0;
    // every other sample is enough to compare by
    for (let i = 0; i < hop; i += 2) product += signal[start + i]! * signal[natural + i]!;
    const likeness = product / Math.sqrt(power);
    if (likeness > most) {
      most = likeness;
      best = start;
    }
    power = Math.max(1e-9, power + signal[start + hop]! ** 2 - signal[start]! ** 2);
  }
  return best;
}

/** `samples` moved by `semitones` at the same pace; formants move along, so a few semitones are the most to ask for. */
export function changePitch(samples: Float32Array, semitones: number, sampleRate: number): Float32Array {
  if (Math.abs(semitones) < 0.05) return samples;
  const factor = 2 ** (semitones / 12);
  // read as if recorded at another rate, then stretched back; rates in steps of 100 Hz keep resampling kernels small
  const from = Math.round((sampleRate * factor) / 100) * 100;
  return changePace(resample(samples, from, sampleRate), sampleRate / from, sampleRate);
}
