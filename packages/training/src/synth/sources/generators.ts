/**
 * Sounds made by formulas, each labelled as what it is: tones, sweeps, clicks, noise, struck bars and bells as sums of
 * decaying modes (N. Fletcher and T. Rossing, The Physics of Musical Instruments, 1998, ch. 19–21), plucked strings
 * (K. Karplus and A. Strong, "Digital synthesis of plucked-string and drum timbres", CMJ 7, 1983).
 */
import type { Random } from "../../random.ts";
import { pick } from "../scene-random.ts";

/** `events` are heard once; `backgrounds` and `music` go on. */
export type SoundKind = "events" | "backgrounds" | "music";

export interface Generator {
  readonly kind: SoundKind;
  readonly label: string;
  readonly phrase: string;
  /** Samples at `rate` Hz; of continuous sounds `seconds` long. */
  readonly make: (random: Random, rate: number, seconds: number) => Float32Array;
}

const TURN = 2 * Math.PI;

/** `seconds` of a function of time in seconds. */
function drawn(seconds: number, rate: number, at: (t: number) => number): Float32Array {
  return Float32Array.from({ length: Math.max(1, Math.round(seconds * rate)) }, (_, i) => at(i / rate));
}

/** 0 … 1 … 0 over a sound of `seconds`, with soft edges. */
const envelope = (t: number, seconds: number, edge = 0.008): number =>
  Math.max(0, Math.min(1, t / edge, (seconds - t) / edge));

/** A sum of decaying sines: [frequency ratio, amplitude, seconds to fall by 60 dB] each. */
function modes(
  base: number,
  seconds: number,
  rate: number,
  partials: readonly (readonly [number, number, number])[],
): Float32Array {
  const kept = partials.filter(([ratio]) => base * ratio < 0.45 * rate);
  return drawn(seconds, rate, (t) => {
    let sum = 0;
    for (const [ratio, amplitude, decay] of kept)
      sum += amplitude * Math.exp((-6.908 * t) / decay) * Math.sin(TURN * base * ratio * t);
    return sum * Math.min(1, t / 0.001) * Math.min(1, (seconds - t) / 0.02);
  });
}

/** White noise through a band-pass (two-pole resonator) at `centre` Hz, `width` Hz wide. */
function bandNoise(seconds: number, rate: number, centre: number, width: number, random: Random): Float32Array {
  const r = Math.exp((-Math.PI * width) / rate);
  const c = 2 * r * Math.cos((TURN * Math.min(centre, 0.45 * rate)) / rate);
  let [y1, y2] = [0, 0];
  return drawn(seconds, rate, () => {
    const y = (1 - r) * random.normal() + c * y1 - r * r * y2;
    [y2, y1] = [y1, y];
    return y;
  });
}

/** Noise that falls by 3 dB an octave: white noise through three one-pole low-passes a decade apart. */
function pinkNoise(seconds: number, rate: number, random: Random): Float32Array {
  const [a, b, c] = [40, 400, 4000].map((hz) => Math.exp((-TURN * hz) / rate)) as [number, number, number];
  let [x, y, z] = [0, 0, 0];
  return drawn(seconds, rate, () => {
    const white = random.normal();
    x = a * x + Math.sqrt(1 - a * a) * white;
    y = b * y + Math.sqrt(1 - b * b) * white * 0.316;
    z = c * z + Math.sqrt(Math.max(0, 1 - c * c)) * white * 0.1;
    return x + y + z;
  });
}

/** A plucked string: a burst of noise that goes round a delay of one period and loses its highs at each turn. */
function pluck(hz: number, seconds: number, rate: number, random: Random): Float32Array {
  const period = Math.max(2, Math.round(rate / hz));
  const line = Float32Array.from({ length: period }, () => random.uniform(-1, 1));
  return drawn(seconds, rate, (t) => {
    const i = Math.round(t * rate);
    const here = line[i % period]!;
    line[i % period] = 0.498 * (here + line[(i + 1) % period]!);
    return here * Math.min(1, (seconds - t) / 0.02);
  });
}

const MARIMBA = [
  [1, 1, 0.7],
  [3.93, 0.3, 0.25],
  [9.5, 0.1, 0.1],
] as const;

/** Partials of a church bell relative to its strike note: hum, prime, tierce, quint, nominal and above. */
const BELL = [
  [0.5, 0.5, 1.6],
  [1, 0.8, 1.2],
  [1.19, 0.9, 1],
  [1.5, 0.4, 0.8],
  [2, 1, 0.9],
  [2.51, 0.5, 0.5],
  [3, 0.4, 0.4],
  [4.2, 0.3, 0.25],
] as const;

/** Semitones of a major pentatonic scale: any succession of them is a tune. */
const PENTATONIC = [0, 2, 4, 7, 9, 12, 14, 16];
const hertz = (semitones: number, base = 261.63): number => base * 2 ** (semitones / 12);

/** Notes one after the other by an instrument. */
function melody(
  random: Random,
  rate: number,
  seconds: number,
  note: (hz: number, seconds: number) => Float32Array,
): Float32Array {
  const out = new Float32Array(Math.round(seconds * rate));
  const beat = random.uniform(0.2, 0.4);
  const key = random.below(8) - 4;
  let degree = random.below(PENTATONIC.length);
  for (let t = 0; t < seconds; ) {
    degree = Math.max(0, Math.min(PENTATONIC.length - 1, degree + random.below(5) - 2));
    const length = beat * pick(random, [1, 1, 1, 2]);
    const sound = note(hertz(PENTATONIC[degree]! + key), 1);
    const at = Math.round(t * rate);
    for (let i = 0; i < sound.length && at + i < out.length; i++) out[at + i] = out[at + i]! + sound[i]!;
    t += length;
  }
  return out;
}

/** Every generator by its name in a configuration. */
export const GENERATORS: Readonly<Record<string, Generator>> = {
  beep: {
    kind: "events",
    label: "beep",
    phrase: "a beep",
    make(random, rate) {
      const hz = random.uniform(700, 1600);
      const seconds = random.uniform(0.12, 0.3);
      return drawn(seconds, rate, (t) => envelope(t, seconds) * Math.sin(TURN * hz * t));
    },
  },
  "low-tone": {
    kind: "events",
    label: "low tone",
    phrase: "a low tone",
    make(random, rate) {
      const hz = random.uniform(150, 280);
      const seconds = random.uniform(0.25, 0.5);
      return drawn(seconds, rate, (t) => envelope(t, seconds, 0.02) * Math.sin(TURN * hz * t));
    },
  },
  buzzer: {
    kind: "events",
    label: "buzzer",
    phrase: "a buzzer",
    make(random, rate) {
      const hz = random.uniform(110, 200);
      const seconds = random.uniform(0.25, 0.5);
      return drawn(seconds, rate, (t) => {
        let sum = 0;
        for (let k = 1; k * hz < 0.4 * rate && k < 40; k += 2) sum += Math.sin(TURN * hz * k * t) / k;
        return envelope(t, seconds) * sum;
      });
    },
  },
  "rising-sweep": {
    kind: "events",
    label: "rising sweep",
    phrase: "a rising sweep",
    make: (random, rate) => sweep(random, rate, 1),
  },
  "falling-sweep": {
    kind: "events",
    label: "falling sweep",
    phrase: "a falling sweep",
    make: (random, rate) => sweep(random, rate, -1),
  },
  click: {
    kind: "events",
    label: "click",
    phrase: "a click",
    make: (random, rate) =>
      modes(random.uniform(1500, 3000), 0.05, rate, [
        [1, 1, 0.02],
        [1.7, 0.7, 0.015],
        [2.3, 0.4, 0.01],
      ]),
  },
  knock: {
    kind: "events",
    label: "knock",
    phrase: "a knock",
    make: (random, rate) =>
      modes(random.uniform(120, 200), 0.2, rate, [
        [1, 1, 0.14],
        [2.1, 0.6, 0.1],
        [3.7, 0.4, 0.06],
        [5.9, 0.25, 0.04],
        [9.3, 0.12, 0.03],
      ]),
  },
  bell: {
    kind: "events",
    label: "bell",
    phrase: "a bell",
    make: (random, rate) => modes(random.uniform(500, 1000), 1, rate, BELL),
  },
  gong: {
    kind: "events",
    label: "gong",
    phrase: "a gong",
    make(random, rate) {
      const partials = Array.from(
        { length: 14 },
        (_, k) => [1 + 0.83 * k + random.uniform(0, 0.3), 1 / (1 + 0.4 * k), 1.6 / (1 + 0.25 * k)] as const,
      );
      return modes(random.uniform(90, 150), 1.1, rate, partials);
    },
  },
  "noise-burst": {
    kind: "events",
    label: "noise burst",
    phrase: "a burst of noise",
    make(random, rate) {
      const seconds = random.uniform(0.12, 0.35);
      return drawn(seconds, rate, (t) => envelope(t, seconds, 0.01) * random.normal());
    },
  },
  "water-drop": {
    kind: "events",
    label: "drop-like blip",
    phrase: "a drop-like blip",
    make(random, rate) {
      // a bubble's pitch rises while it closes
      const hz = random.uniform(500, 900);
      return drawn(0.15, rate, (t) => {
        const phase = hz * t + 0.5 * hz * 9 * t * t;
        return Math.exp(-28 * t) * Math.sin(TURN * phase) * Math.min(1, t / 0.002);
      });
    },
  },
  "rain-like-noise": {
    kind: "backgrounds",
    label: "rain-like noise",
    phrase: "rain-like noise",
    make(random, rate, seconds) {
      const out = bandNoise(seconds, rate, 4500, 5000, random);
      // a thin hiss, and single drops on it
      for (let n = Math.round(60 * seconds); n > 0; n--) {
        const at = random.below(out.length);
        const hz = random.uniform(1500, 5000);
        const gain = 0.6 * random.uniform() ** 2;
        for (let i = 0; i < 0.01 * rate && at + i < out.length; i++)
          out[at + i] = out[at + i]! + gain * Math.exp(-i / (0.002 * rate)) * Math.sin((TURN * hz * i) / rate);
      }
      return out;
    },
  },
  "wind-like-noise": {
    kind: "backgrounds",
    label: "wind-like noise",
    phrase: "wind-like noise",
    make(random, rate, seconds) {
      const low = bandNoise(seconds, rate, 350, 350, random);
      const [slow, slower] = [random.uniform(0.3, 0.6), random.uniform(0.1, 0.2)];
      const phase = random.uniform(0, TURN);
      return low.map((v, i) => {
        const t = i / rate;
        return v * (1 + 0.45 * Math.sin(TURN * slow * t + phase) + 0.3 * Math.sin(TURN * slower * t));
      });
    },
  },
  "engine-like-hum": {
    kind: "backgrounds",
    label: "engine-like hum",
    phrase: "an engine-like hum",
    make(random, rate, seconds) {
      const hz = random.uniform(45, 90);
      const beats = random.uniform(5, 9);
      return drawn(seconds, rate, (t) => {
        let sum = 0.05 * random.normal();
        for (let k = 1; k <= 12; k++) sum += Math.sin(TURN * hz * k * t + k * k) / k;
        return sum * (1 + 0.3 * Math.sin(TURN * beats * t));
      });
    },
  },
  "electric-hum": {
    kind: "backgrounds",
    label: "electric hum",
    phrase: "an electric hum",
    make(random, rate, seconds) {
      const hz = pick(random, [100, 120]);
      const amplitudes = [1, 0.6, 0.45, 0.3, 0.2, 0.12, 0.08].map((a) => a * random.uniform(0.5, 1));
      return drawn(seconds, rate, (t) =>
        amplitudes.reduce((sum, a, k) => sum + a * Math.sin(TURN * hz * (k + 1) * t), 0),
      );
    },
  },
  "white-noise": {
    kind: "backgrounds",
    label: "white noise",
    phrase: "white noise",
    make: (random, rate, seconds) => drawn(seconds, rate, () => random.normal()),
  },
  "pink-noise": {
    kind: "backgrounds",
    label: "pink noise",
    phrase: "pink noise",
    make: (random, rate, seconds) => pinkNoise(seconds, rate, random),
  },
  ticking: {
    kind: "backgrounds",
    label: "ticking",
    phrase: "regular ticking",
    make(random, rate, seconds) {
      const out = new Float32Array(Math.round(seconds * rate));
      const period = random.uniform(0.3, 0.6);
      const hz = random.uniform(1800, 3200);
      const tick = modes(hz, 0.04, rate, [
        [1, 1, 0.02],
        [1.6, 0.6, 0.012],
      ]);
      for (let t = random.uniform(0, 0.1); t < seconds; t += period) {
        const at = Math.round(t * rate);
        for (let i = 0; i < tick.length && at + i < out.length; i++) out[at + i] = tick[i]!;
      }
      return out;
    },
  },
  "warbling-tone": {
    kind: "backgrounds",
    label: "warbling tone",
    phrase: "a warbling tone",
    make(random, rate, seconds) {
      const [hz, depth, speed] = [random.uniform(600, 1000), random.uniform(0.1, 0.25), random.uniform(0.7, 3)];
      return drawn(seconds, rate, (t) => Math.sin(TURN * hz * t - ((depth * hz) / speed) * Math.cos(TURN * speed * t)));
    },
  },
  "marimba-melody": {
    kind: "music",
    label: "marimba-like melody",
    phrase: "a marimba-like melody",
    make: (random, rate, seconds) => melody(random, rate, seconds, (hz, s) => modes(hz, s, rate, MARIMBA)),
  },
  "plucked-melody": {
    kind: "music",
    label: "plucked-string melody",
    phrase: "a plucked-string melody",
    make: (random, rate, seconds) => melody(random, rate, seconds, (hz, s) => pluck(hz / 2, s, rate, random)),
  },
  "chime-melody": {
    kind: "music",
    label: "chime melody",
    phrase: "a chime melody",
    make: (random, rate, seconds) => melody(random, rate, seconds, (hz, s) => modes(2 * hz, s, rate, BELL)),
  },
  "organ-chords": {
    kind: "music",
    label: "organ-like chords",
    phrase: "organ-like chords",
    make(random, rate, seconds) {
      const chords = [
        [0, 4, 7],
        [5, 9, 12],
        [7, 11, 14],
        [-3, 0, 4],
      ];
      const length = random.uniform(0.8, 1.4);
      const key = random.below(8) - 10;
      const order = Array.from({ length: Math.ceil(seconds / length) }, () => pick(random, chords));
      return drawn(seconds, rate, (t) => {
        const within = t % length;
        let sum = 0;
        for (const note of order[Math.floor(t / length)] ?? []) {
          const hz = hertz(note + key);
          for (const [k, a] of [1, 0.5, 0.25, 0.3, 0.1].entries()) sum += a * Math.sin(TURN * hz * (k + 1) * t);
        }
        return sum * envelope(within, length, 0.03);
      });
    },
  },
};

function sweep(random: Random, rate: number, direction: 1 | -1): Float32Array {
  const seconds = random.uniform(0.3, 0.6);
  const low = random.uniform(300, 600);
  const octaves = random.uniform(1.2, 2.2);
  let phase = 0;
  return drawn(seconds, rate, (t) => {
    const share = direction === 1 ? t / seconds : 1 - t / seconds;
    phase += (low * 2 ** (octaves * share)) / rate;
    return envelope(t, seconds) * Math.sin(TURN * phase);
  });
}
