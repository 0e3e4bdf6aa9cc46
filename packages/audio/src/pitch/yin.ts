/**
 * How periodic a stretch of sound is at each lag: the cumulative mean normalised difference of YIN (A. de Cheveigné and
 * H. Kawahara, "YIN, a fundamental frequency estimator for speech and music", JASA 111, 2002).
 *
 * d(τ) = Σ_j (x[j] − x[j+τ])² is small where a signal repeats after τ samples; d'(τ) = d(τ) / mean of d(1 … τ) is 1 on
 * average, whatever the loudness, and does not reward short lags. For a periodic signal in noise, d' at the period is
 * about 1 − r with r the normalised autocorrelation.
 */

/** A dip of d': a lag the sound may repeat after. */
export interface PeriodCandidate {
  /** Samples, between whole ones by a parabola. */
  readonly lag: number;
  /** d' at the dip: 0 for a perfect period, about 1 for noise. */
  readonly aperiodicity: number;
}

/** Dips of d' for frames of one signal. Owns scratch memory: one instance a signal. */
export class Yin {
  readonly #signal: Float64Array;
  readonly #margin: number;
  readonly #window: number;
  readonly #shortest: number;
  readonly #longest: number;
  readonly #difference: Float64Array;
  readonly #normalised: Float64Array;

  /**
   * @param samples the signal; what lies beyond its ends counts as zero.
   * @param window samples compared with their shifted selves.
   * @param shortest smallest lag of interest, at least 2.
   * @param longest largest lag of interest.
   */
  constructor(
    samples: Float32Array,
    { window, shortest, longest }: { window: number; shortest: number; longest: number },
  ) {
    this.#margin = Math.ceil((window + longest) / 2) + 2;
    this.#signal = new Float64Array(samples.length + 2 * this.#margin);
    this.#signal.set(samples, this.#margin);
    this.#window = window;
    this.#shortest = shortest;
    this.#longest = longest;
    this.#difference = new Float64Array(longest + 2);
    this.#normalised = new Float64Array(longest + 2);
  }

  /** All dips around sample `centre`, by ascending lag. */
  candidates(centre: number): PeriodCandidate[] {
    this.#measure(centre);
    const [d, n] = [this.#difference, this.#normalised];
    const found: PeriodCandidate[] = [];
    for (let lag = this.#shortest; lag <= this.#longest; lag++) {
      const value = n[lag]!;
      if (value >= 1 || value > n[lag - 1]! || value >= n[lag + 1]!) continue;
      // the position from d, whose dips d' moves towards longer lags; the depth from d' itself (section II.E)
      const offset = vertex(d[lag - 1]!, d[lag]!, d[lag + 1]!);
      const depth = value + 0.25 * (n[lag + 1]! - n[lag - 1]!) * vertex(n[lag - 1]!, value, n[lag + 1]!);
      found.push({ lag: lag + offset, aperiodicity: Math.max(0, depth) });
    }
    return found;
  }

  /** d and d' of lags 0 … longest + 1. The two stretches compared lie symmetrically about the centre at every lag. */
  #measure(centre: number): void {
    const signal = this.#signal;
    let total = 0;
    this.#difference[0] = 0;
    this.#normalised[0] = 1;
    for (let lag = 1; lag <= this.#longest + 1; lag++) {
      const start = this.#margin + centre - ((this.#window + lag) >> 1);
      let sum = 0;
      for (let j = start, end = start + this.#window; j < end; j++) {
        const difference = signal[j]! - signal[j + lag]!;
        sum += difference * difference;
      }
      total += sum;
      this.#difference[lag] = sum;
      this.#normalised[lag] = total > 0 ? (sum * lag) / total : 1;
    }
  }
}

/** Where the parabola through three neighbouring values has its lowest point, from −0.5 to 0.5 about the middle one. */
function vertex(before: number, middle: number, after: number): number {
  const curvature = before - 2 * middle + after;
  return curvature > 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * curvature))) : 0;
}
