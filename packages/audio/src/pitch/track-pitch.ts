/**
 * Fundamental frequency of one voice over time: YIN's dips frame by frame (yin.ts), and through them the cheapest path
 * (P. Boersma, "Accurate short-term analysis of the fundamental frequency…", IFA Proceedings 17, 1993, section 4), which
 * decides between octaves and between voiced and unvoiced with both neighbours in view.
 */
import { AudioError } from "../errors.ts";
import { type PeriodCandidate, Yin } from "./yin.ts";

export interface PitchOptions {
  /** Hz */
  readonly sampleRate: number;
  /** Samples between frames. */
  readonly hop: number;
  /** Lowest fundamental looked for, Hz; 60 by default. */
  readonly minHz?: number;
  /** Highest fundamental looked for, Hz; 600 by default. */
  readonly maxHz?: number;
  /** Largest magnitude of the whole recording, where the samples are a part of it: what is silent follows from it. */
  readonly peak?: number;
}

/** Seconds of sound compared with themselves shifted. */
const WINDOW = 0.025;
/** An aperiodicity above this is rather unvoiced. */
const UNVOICED_COST = 0.55;
/** Frames whose peak lies below this share of the clip's are rather silent. */
const SILENCE = 0.03;
/** A lag twice as long must be better by this: all multiples of a period are periods. */
const OCTAVE_COST = 0.03;
/** A jump of one octave, and a change between voiced and unvoiced, in 10 ms. */
const OCTAVE_JUMP_COST = 0.35;
const VOICING_CHANGE_COST = 0.14;
/** Dips of a frame that take part. */
const CANDIDATES = 10;

interface State {
  /** Hz, 0 for unvoiced. */
  readonly hz: number;
  /** Cheapest way here from the start. */
  readonly cost: number;
  /** Index of the state before. */
  readonly from: number;
}

/**
 * f0 [floor(samples / hop)] in Hz, 0 where there is no voice. Frame t stands for the samples from t·hop on and is
 * measured about their middle, as the frames of the decoder's mel spectrogram are.
 * @throws AudioError for a range of pitches that the sample rate cannot hold.
 */
export function trackPitch(samples: Float32Array, options: PitchOptions): Float32Array {
  const { sampleRate, hop, minHz = 60, maxHz = 600 } = options;
  if (!(minHz > 0 && minHz < maxHz && maxHz <= sampleRate / 4))
    throw new AudioError(
      `pitch from ${minHz} to ${maxHz} Hz at ${sampleRate} samples a second: expected 0 < lowest < highest ≤ a quarter of the sample rate`,
    );
  const frames = Math.floor(samples.length / hop);
  const shortest = Math.floor(sampleRate / maxHz);
  const yin = new Yin(samples, {
    window: Math.round(WINDOW * sampleRate),
    shortest,
    longest: Math.ceil(sampleRate / minHz),
  });
  const peaks = framePeaks(samples, hop, frames, Math.ceil(sampleRate / minHz));
  const loudest = options.peak ?? peaks.reduce((a, b) => Math.max(a, b), 0);
  const cheapest = (c: PeriodCandidate) => c.aperiodicity + OCTAVE_COST * Math.log2(c.lag / shortest);
  const step = 0.01 / (hop / sampleRate);

  const path: State[][] = [];
  let before: readonly State[] = [{ hz: 0, cost: 0, from: 0 }];
  for (let t = 0; t < frames; t++) {
    const loudness = loudest > 0 ? peaks[t]! / loudest : 0;
    const quiet = Math.max(0, 2 - loudness / SILENCE);
    const local = [{ hz: 0, cost: UNVOICED_COST - quiet }];
    const dips = yin
      .candidates(t * hop + (hop >> 1))
      .map((c) => ({ hz: sampleRate / c.lag, cost: cheapest(c) }))
      .filter((c) => c.hz >= minHz && c.hz <= maxHz)
      .sort((a, b) => a.cost - b.cost);
    const states = [...local, ...dips.slice(0, CANDIDATES)].map((here) => bestWay(here, before, step));
    path.push(states);
    before = states;
  }
  return trace(path);
}

/** The cheapest way to a state from any of the frame before. */
function bestWay(here: { hz: number; cost: number }, before: readonly State[], step: number): State {
  let from = 0;
  let cost = Number.POSITIVE_INFINITY;
  for (const [i, b] of before.entries()) {
    const change =
      here.hz > 0 && b.hz > 0
        ? OCTAVE_JUMP_COST * Math.abs(Math.log2(here.hz / b.hz))
        : here.hz === b.hz
          ? 0
          : VOICING_CHANGE_COST;
    const way = b.cost + step * change;
    if (way < cost) [from, cost] = [i, way];
  }
  return { hz: here.hz, cost: cost + here.cost, from };
}

/** The pitches along the cheapest path, from its end. */
function trace(path: readonly (readonly State[])[]): Float32Array {
  const f0 = new Float32Array(path.length);
  const last = path.at(-1) ?? [];
  let at = last.reduce((best, s, i) => (s.cost < last[best]!.cost ? i : best), 0);
  for (let t = path.length - 1; t >= 0; t--) {
    const state = path[t]![at]!;
    f0[t] = state.hz;
    at = state.from;
  }
  return f0;
}

/** Largest magnitude within `reach` samples of the middle of each frame. */
function framePeaks(samples: Float32Array, hop: number, frames: number, reach: number): Float64Array {
  return Float64Array.from({ length: frames }, (_, t) => {
    const centre = t * hop + (hop >> 1);
    let peak = 0;
    for (let i = Math.max(0, centre - reach), end = Math.min(samples.length, centre + reach); i < end; i++)
      peak = Math.max(peak, Math.abs(samples[i]!));
    return peak;
  });
}
