/**
 * Whether a sound can be heard among others: the share of its energy that lies where it is stronger than all the rest
 * together, in cells of time and mel frequency (the ideal binary mask at 0 dB: D. Wang, "On ideal binary mask as the
 * computational goal of auditory scene analysis", 2005). A label that nobody can hear would be a false one.
 */
import { forEachPowerSpectrum, hannWindow, melFilters } from "@uat/audio";

const BANDS = 32;
/** Seconds of a frame: rounded up to a power of two of samples, with half a frame between frames. */
const FRAME = 0.025;

/** Energies [frames × 32 mel bands]. */
export function cellEnergies(samples: Float32Array, sampleRate: number): Float64Array {
  const nFft = 2 ** Math.ceil(Math.log2(FRAME * sampleRate));
  const hop = nFft / 2;
  const frames = Math.ceil(samples.length / hop);
  const padded = new Float32Array((frames - 1) * hop + nFft);
  padded.set(samples);
  const filters = melFilters({ sampleRate, nFft, mels: BANDS });
  const cells = new Float64Array(frames * BANDS);
  forEachPowerSpectrum(padded, { nFft, hop, window: hannWindow(nFft), frames }, (frame, power) => {
    for (let band = 0; band < BANDS; band++) {
      const weights = filters.weights[band]!;
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * power[filters.starts[band]! + k]!;
      cells[frame * BANDS + band] = sum;
    }
  });
  return cells;
}

/** A sound as its cells at gain 1 and the gain it is mixed with. */
export interface Mixed {
  readonly cells: Float64Array;
  readonly gain: number;
}

/** Share of each sound's energy, 0 … 1, in cells where it exceeds the sum of all others. */
export function audibleShares(sounds: readonly Mixed[]): number[] {
  const total = new Float64Array(sounds[0]?.cells.length ?? 0);
  for (const { cells, gain } of sounds) for (let i = 0; i < total.length; i++) total[i]! += gain * gain * cells[i]!;
  return sounds.map(({ cells, gain }) => {
    let own = 0;
    let heard = 0;
    for (let i = 0; i < total.length; i++) {
      const energy = gain * gain * cells[i]!;
      own += energy;
      if (2 * energy > total[i]!) heard += energy;
    }
    return own === 0 ? 0 : heard / own;
  });
}

/** Shares from which speech and other sounds count as heard. */
export const HEARD = { speech: 0.6, sound: 0.2 } as const;

export interface Part {
  /** At gain 1; speech is mixed as it is. */
  readonly cells: Float64Array;
  readonly isSpeech: boolean;
  /** Decibels of the reference over the sound, and the range it may move in; speech has none. */
  readonly snr: number;
  readonly range: readonly [number, number];
}

const STEP = 3;

/**
 * Ratios at which everything is heard: sounds that drown speech are lowered, inaudible ones raised, by steps of 3 dB
 * within their ranges; what cannot be heard even so is left out.
 * @param gainAt gain of part i at a ratio.
 * @returns the ratio of each part, undefined for those left out.
 */
export function settle(parts: readonly Part[], gainAt: (part: number, snr: number) => number): (number | undefined)[] {
  const snrs: (number | undefined)[] = parts.map((p) => p.snr);
  const kept = () => parts.flatMap((part, i) => (snrs[i] === undefined ? [] : [{ part, i }]));
  const shares = () => {
    const now = kept();
    const values = audibleShares(
      now.map(({ part, i }) => ({ cells: part.cells, gain: part.isSpeech ? 1 : gainAt(i, snrs[i]!) })),
    );
    return now.map(({ part, i }, k) => ({ part, i, share: values[k]! }));
  };
  const loudest = () =>
    kept()
      .filter(({ part }) => !part.isSpeech)
      .sort((a, b) => snrs[a.i]! - snrs[b.i]!)[0];
  /** Moves a ratio by a step within its range, or leaves the sound out. */
  const move = (i: number, step: number) => {
    const [low, high] = parts[i]!.range;
    const at = snrs[i]!;
    const stuck = step > 0 ? at >= high : at <= low;
    snrs[i] = stuck ? undefined : Math.max(low, Math.min(high, at + step));
  };
  for (let round = 0; round < 8 * parts.length; round++) {
    const now = shares();
    const drowned = now.find(({ part, share }) => part.isSpeech && share < HEARD.speech);
    const unheard = now.find(({ part, share }) => !part.isSpeech && share < HEARD.sound);
    const cause = drowned && loudest();
    if (cause) move(cause.i, STEP);
    else if (unheard) move(unheard.i, -STEP);
    else return snrs;
  }
  // steps that undo each other: leaving sounds out ends it, as it never makes another inaudible
  for (;;) {
    const now = shares();
    const drowned = now.some(({ part, share }) => part.isSpeech && share < HEARD.speech);
    const gone = drowned ? loudest() : now.find(({ part, share }) => !part.isSpeech && share < HEARD.sound);
    if (!gone) return snrs;
    snrs[gone.i] = undefined;
  }
}
