/**
 * How intelligible a copy is beside its original: STOI (C. Taal et al., "An algorithm for intelligibility prediction of
 * time–frequency weighted noisy speech", IEEE TASLP 19, 2011) and its extended form, which also sees modulated noise
 * (J. Jensen and C. Taal, IEEE/ACM TASLP 24, 2016). Resampling and framing are those of the PyPI package `pystoi`.
 */
import { forEachPowerSpectrum } from "@uat/audio";
import { polyphaseResample } from "./polyphase-resample.ts";

const RATE = 10_000;
const FRAME = 256;
const HOP = 128;
const N_FFT = 512;
const BANDS = 15;
/** Centre of the lowest third-octave band, Hz. */
const LOWEST = 150;
/** Frames of a segment: 384 ms. */
const SEGMENT = 30;
/** Frames this far below the loudest are left out, dB. */
const DYNAMIC_RANGE = 40;
/** A copy's band counts up to 15 dB of noise above the original's. */
const CLIP = 10 ** (15 / 20);
const EPSILON = Number.EPSILON;

/** Third-octave magnitudes of the frames in which the original speaks: [frames][band]. */
type Bands = Float64Array[];

/**
 * Short-time objective intelligibility, about 0 to 1; NaN when the original has less than 0.4 s of speech.
 * @param sampleRate Hz of both, which must begin together; the common length counts.
 */
export function stoi(reference: Float32Array, degraded: Float32Array, sampleRate: number): number {
  const [x, y] = bandsOfBoth(reference, degraded, sampleRate);
  return segmentMean(x, y, (a, b) => {
    // the copy at the original's level and at most 15 dB of noise above it, band by band
    let sum = 0;
    for (let band = 0; band < BANDS; band++) {
      const u = a.map((frame) => frame[band] as number);
      const v = b.map((frame) => frame[band] as number);
      const gain = norm(u) / (norm(v) + EPSILON);
      const limited = v.map((value, t) => Math.min(value * gain, (u[t] as number) * (1 + CLIP)));
      sum += correlate(u, limited);
    }
    return sum / BANDS;
  });
}

/** Extended STOI, about 0 to 1; otherwise as {@link stoi}. */
export function extendedStoi(reference: Float32Array, degraded: Float32Array, sampleRate: number): number {
  const [x, y] = bandsOfBoth(reference, degraded, sampleRate);
  return segmentMean(x, y, (a, b) => {
    const [u, v] = [normalizedColumns(a), normalizedColumns(b)];
    return (
      u.reduce((sum, frame, t) => sum + frame.reduce((s, value, i) => s + value * (v[t]![i] as number), 0), 0) / SEGMENT
    );
  });
}

function segmentMean(x: Bands, y: Bands, of: (a: Bands, b: Bands) => number): number {
  let [sum, segments] = [0, 0];
  for (let end = SEGMENT; end <= x.length; end++, segments++)
    sum += of(x.slice(end - SEGMENT, end), y.slice(end - SEGMENT, end));
  return sum / segments;
}

const norm = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
};

/** Without its mean and of length 1. */
function standardized(values: readonly number[]): number[] {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const centred = values.map((v) => v - mean);
  const length = norm(centred) + EPSILON;
  return centred.map((v) => v / length);
}

function correlate(a: readonly number[], b: readonly number[]): number {
  const [u, v] = [standardized(a), standardized(b)];
  return u.reduce((sum, value, i) => sum + value * (v[i] as number), 0);
}

/** Every band over time, then every frame over the bands, without mean and of length 1. */
function normalizedColumns(segment: Bands): number[][] {
  const rows = Array.from({ length: BANDS }, (_, band) => standardized(segment.map((frame) => frame[band] as number)));
  return segment.map((_, t) => standardized(rows.map((row) => row[t] as number)));
}

function bandsOfBoth(reference: Float32Array, degraded: Float32Array, sampleRate: number): [Bands, Bands] {
  const n = Math.min(reference.length, degraded.length);
  const [x, y] = [reference, degraded].map((s) => polyphaseResample(s.subarray(0, n), sampleRate, RATE));
  const spoken = framesAbove(x as Float64Array);
  return [bands(joinFrames(x as Float64Array, spoken)), bands(joinFrames(y as Float64Array, spoken))];
}

/** The Hann window without its zeros. */
const WINDOW = Float64Array.from(
  { length: FRAME },
  (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 1)) / (FRAME + 1)),
);

/** As pystoi: a frame that ends just where the signal does is left out. */
const frameStarts = (n: number): number[] =>
  Array.from({ length: Math.max(0, Math.ceil((n - FRAME) / HOP)) }, (_, t) => t * HOP);

/** Starts of the frames that are loud enough. */
function framesAbove(x: Float64Array): number[] {
  const starts = frameStarts(x.length);
  const levels = starts.map((s) => 20 * Math.log10(norm(WINDOW.map((w, i) => w * (x[s + i] as number))) + EPSILON));
  const loudest = Math.max(...levels);
  return starts.filter((_, t) => (levels[t] as number) > loudest - DYNAMIC_RANGE);
}

/** The chosen frames, windowed, put together again with the frames between them left out. */
function joinFrames(x: Float64Array, starts: readonly number[]): Float64Array {
  const out = new Float64Array(starts.length === 0 ? 0 : (starts.length - 1) * HOP + FRAME);
  for (const [t, start] of starts.entries())
    for (let i = 0; i < FRAME; i++)
      out[t * HOP + i] = (out[t * HOP + i] as number) + (WINDOW[i] as number) * (x[start + i] as number);
  return out;
}

function bands(x: Float64Array): Bands {
  const frames = frameStarts(x.length).length;
  const padded = new Float32Array(x.length + N_FFT);
  padded.set(x);
  const window = new Float32Array(N_FFT);
  window.set(WINDOW);
  const edges = bandEdges();
  const out: Bands = [];
  forEachPowerSpectrum(padded, { nFft: N_FFT, hop: HOP, window, frames }, (_, power) => {
    out.push(
      Float64Array.from(edges, ([from, to]) => {
        let sum = 0;
        for (let k = from; k < to; k++) sum += power[k] as number;
        return Math.sqrt(sum);
      }),
    );
  });
  return out;
}

/** Bins [from, to) of each third-octave band: edges are moved to the nearest bin. */
function bandEdges(): [from: number, to: number][] {
  const bin = (hz: number) => Math.round((hz * N_FFT) / RATE);
  return Array.from({ length: BANDS }, (_, k) => [
    bin(LOWEST * 2 ** ((2 * k - 1) / 6)),
    bin(LOWEST * 2 ** ((2 * k + 1) / 6)),
  ]);
}
