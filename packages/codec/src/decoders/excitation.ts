/**
 * The harmonic-plus-noise excitation of HiFT (neural source filter, Wang et al., 2019, arXiv 1904.12088): sines at the
 * multiples of f0 and noise, mixed by one linear layer. Not part of a graph, since it needs float32 rounding in fixed
 * places, a running sum in float64 and torch's random generator. (Training makes the sines here and mixes them in its
 * graph, where the mix learns.)
 */

/** The fields of `hift` in config.yaml that shape the excitation, by their names there. */
export interface ExcitationConfig {
  readonly nb_harmonics: number;
  /** Hz */
  readonly sampling_rate: number;
  readonly nsf_alpha: number;
  readonly nsf_sigma: number;
  /** Hz */
  readonly nsf_voiced_threshold: number;
  /** An extension: the fundamental is a train of pulses instead of a sine, which a filter can shape to any spectrum. */
  readonly source_filter: boolean;
}

/** `source.l_linear`: how the harmonics are mixed. */
export interface HarmonicMix {
  /** One a harmonic. */
  readonly weight: Float32Array;
  readonly bias: number;
}

export interface ExcitationDraws {
  /** Radians, one a harmonic; the first is not used. */
  readonly phases: Float32Array;
  /** Standard normal values of a harmonic, one a sample; asked for in the order of harmonics. */
  readonly noise: (harmonic: number) => Float32Array;
}

const f = Math.fround;

/**
 * One sine of the excitation, before the mix: f0 [frames] in Hz → out [frames · samples per frame], nsf_alpha · sine
 * where voiced, plus noise.
 * @param harmonic 0 is the fundamental.
 * @param noise standard normal values, one a sample.
 * @param cycle running phase at the start, in cycles.
 * @returns the running phase at the end.
 */
export function harmonicSource(
  f0: Float32Array,
  harmonic: number,
  c: ExcitationConfig,
  { phase, noise, cycle }: { readonly phase: number; readonly noise: Float32Array; readonly cycle: number },
  out: Float32Array,
): number {
  const samplesPerFrame = out.length / f0.length;
  const alpha = f(c.nsf_alpha);
  const sigma = f(c.nsf_sigma);
  const unvoiced = f(alpha / 3);
  const turn = f(2 * Math.PI);
  let running = cycle;
  for (let frame = 0, i = 0; frame < f0.length; frame++) {
    const pitch = f0[frame] as number;
    const increment = f(f(pitch * (harmonic + 1)) / c.sampling_rate);
    const voiced = pitch > c.nsf_voiced_threshold;
    if (c.source_filter) {
      const count = Math.floor(0.5 / increment);
      for (const end = i + samplesPerFrame; i < end; i++) {
        running += increment;
        const pulse = voiced ? alpha * pulseTrain(running - Math.floor(running), count, increment) : 0;
        out[i] = pulse + (voiced ? sigma : alpha) * (noise[i] as number);
      }
      continue;
    }
    for (const end = i + samplesPerFrame; i < end; i++) {
      running += increment;
      const rounded = f(running);
      const sine = voiced ? f(alpha * f(Math.sin(f(f(f(rounded - Math.floor(rounded)) * turn) + phase)))) : 0;
      out[i] = sine + f((voiced ? sigma : unvoiced) * (noise[i] as number));
    }
  }
  return running;
}

/**
 * `count` cosines of equal size at the multiples of a frequency, as loud as white noise of unit variance and with its
 * flat spectrum, whatever the frequency: the sum is the Dirichlet kernel.
 * @param turn where in its period it is, in turns.
 * @param frequency in turns a sample.
 */
function pulseTrain(turn: number, count: number, frequency: number): number {
  const half = Math.PI * turn;
  const below = Math.sin(half);
  const sum = Math.abs(below) < 1e-6 ? count : (Math.sin((2 * count + 1) * half) / below - 1) / 2;
  return 2 * Math.sqrt(frequency) * sum;
}

/**
 * f0 [frames] in Hz → excitation [frames · samplesPerFrame] in ±1.
 * @param cycles running phases, one a harmonic, in cycles: read for the start and left at the end of the last frame.
 */
export function excitation(
  f0: Float32Array,
  samplesPerFrame: number,
  c: ExcitationConfig,
  mix: HarmonicMix,
  draws: ExcitationDraws,
  cycles = new Float64Array(c.nb_harmonics + 1),
): Float32Array {
  const sine = new Float32Array(f0.length * samplesPerFrame);
  const sum = new Float64Array(sine.length);
  for (let h = 0; h <= c.nb_harmonics; h++) {
    const weight = mix.weight[h] as number;
    const phase = h === 0 ? 0 : (draws.phases[h] as number);
    cycles[h] = harmonicSource(f0, h, c, { phase, noise: draws.noise(h), cycle: cycles[h] as number }, sine);
    for (let i = 0; i < sine.length; i++) sum[i] = (sum[i] as number) + weight * (sine[i] as number);
  }
  return Float32Array.from(sum, (v) => Math.tanh(v + mix.bias));
}
