/**
 * The part of training the quantiser that no gradient does: a codebook that follows its frames by moving averages
 * (van den Oord et al., 2017, appendix A.1), restarts of unused codes (Dhariwal et al., 2020, arXiv 2005.00341,
 * section 2.2) and the share of codes in use.
 */
import type { Random } from "../random.ts";

export interface MovingCodebookOptions {
  /** Weight of the past in the moving averages. */
  readonly decay: number;
  /** Updates between restarts; null for none. */
  readonly restartInterval: number | null;
}

const SMOOTHING = 1e-5;

/** What an update found. */
export interface CodebookUpdate {
  /** Codes of this batch. */
  readonly active: number;
  /** Codes replaced. */
  readonly restarted: number;
}

export class MovingCodebook {
  /** Code vectors [size, d]; updated in place. */
  readonly codes: Float32Array;
  /** Smoothed number of frames of each code, [size]. */
  readonly counts: Float32Array;
  /** Smoothed sum of the frames of each code, [size, d]. */
  readonly sums: Float32Array;
  readonly #d: number;
  readonly #options: MovingCodebookOptions;
  #updates: number;

  constructor(
    state: { codes: Float32Array; counts: Float32Array; sums: Float32Array; updates?: number },
    options: MovingCodebookOptions,
  ) {
    this.codes = state.codes;
    this.counts = state.counts;
    this.sums = state.sums;
    this.#d = state.codes.length / state.counts.length;
    this.#options = options;
    this.#updates = state.updates ?? 0;
  }

  /** Updates so far: with the arrays, all that a checkpoint needs. */
  get updates(): number {
    return this.#updates;
  }

  /**
   * One update. All three are summed over the processes of a run before they are handed in, so that each process comes
   * to the same codebook.
   * @param counts frames of each code, [size].
   * @param sums sums of the frames of each code, [size, d].
   * @param frames real frames [n, d] to restart codes from.
   */
  update(
    counts: Float32Array,
    sums: Float32Array,
    frames: Float32Array,
    random: Pick<Random, "below">,
  ): CodebookUpdate {
    const size = this.counts.length;
    const d = this.#d;
    const { decay, restartInterval } = this.#options;
    const [keep, take] = [Math.fround(decay), Math.fround(1 - decay)];
    let total = 0;
    let active = 0;
    for (let k = 0; k < size; k++) {
      const n = counts[k] as number;
      if (n > 0) active++;
      this.counts[k] = keep * (this.counts[k] as number) + take * n;
      total += this.counts[k] as number;
    }
    const scale = total / (total + size * SMOOTHING);
    for (let k = 0; k < size; k++) {
      const count = (this.counts[k] = ((this.counts[k] as number) + SMOOTHING) * scale);
      for (let i = k * d; i < (k + 1) * d; i++) {
        this.sums[i] = keep * (this.sums[i] as number) + take * (sums[i] as number);
        this.codes[i] = (this.sums[i] as number) / count;
      }
    }
    this.#updates++;
    const restarts = restartInterval !== null && this.#updates % restartInterval === 0 && frames.length > 0;
    return { active, restarted: restarts ? this.#restart(decay ** restartInterval, frames, random) : 0 };
  }

  /** Replaces codes that hardly any frame chose by random frames, drawn with replacement in ascending order of codes. */
  #restart(threshold: number, frames: Float32Array, random: Pick<Random, "below">): number {
    const d = this.#d;
    const available = frames.length / d;
    let restarted = 0;
    for (let k = 0; k < this.counts.length; k++) {
      if ((this.counts[k] as number) >= threshold) continue;
      const drawn = random.below(available);
      const frame = frames.subarray(drawn * d, (drawn + 1) * d);
      this.codes.set(frame, k * d);
      this.sums.set(frame, k * d);
      this.counts[k] = 1;
      restarted++;
    }
    return restarted;
  }
}

/** Frames by code: how many, and their sums. frames [n, d], codes [n] → counts [size], sums [size, d]. */
export function sumByCode(
  frames: Float32Array,
  codes: ArrayLike<number>,
  size: number,
): { counts: Float32Array; sums: Float32Array } {
  const d = frames.length / codes.length;
  const counts = new Float32Array(size);
  const sums = new Float32Array(size * d);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] as number;
    counts[code]!++;
    const [from, to] = [i * d, code * d];
    for (let j = 0; j < d; j++) sums[to + j]! += frames[from + j] as number;
  }
  return { counts, sums };
}

/** The share of codes among the last 4·size tokens; before so many were seen, missing ones count as code 0. */
export class UsageMonitor {
  /** Oldest first, [4·size]. */
  readonly recent: Int32Array;
  readonly #size: number;

  constructor(size: number, recent: Int32Array = new Int32Array(4 * size)) {
    this.#size = size;
    this.recent = recent;
  }

  add(codes: Int32Array): void {
    const kept = Math.max(0, this.recent.length - codes.length);
    this.recent.copyWithin(0, this.recent.length - kept);
    this.recent.set(codes.subarray(codes.length - (this.recent.length - kept)), kept);
  }

  get usage(): number {
    return new Set(this.recent).size / this.#size;
  }
}
