/**
 * Random changes to training clips that leave their labels true. In the order in which sound meets them: the source
 * (speed), the room (reverberation), what else is heard there (noise), the line (channel), the level (gain).
 * Each is drawn from a generator of its own, so that switching one on changes nothing about the others.
 */
import { bandLimit, gain, limited, mix, noise, quantizeBits, telephone } from "@uat/audio";
import { z } from "zod";
import { mixSeed } from "../data/permutation.ts";
import { Random } from "../random.ts";
import { convolve } from "../synth/convolve.ts";
import { energy } from "../synth/levels.ts";
import { reverberantTail } from "../synth/room.ts";
import { changeSpeed } from "./speed.ts";

const probability = z.number().min(0).max(1);
const range = (low: number, high: number) =>
  z
    .tuple([z.number().min(low).max(high), z.number().min(low).max(high)])
    .refine(([from, to]) => from <= to, "expected the lower end first");

/** Settings of {@link augment}; what is left out does not happen. Ranges are [lowest, highest]. */
export const augmentationSchema = z.strictObject({
  /** Resampling by a factor: faster is higher. */
  speed: z.strictObject({ probability, factor: range(0.5, 2) }).optional(),
  /** Decay time (60 dB) in seconds and direct-to-reverberant ratio in dB. */
  reverberation: z.strictObject({ probability, seconds: range(0.05, 3), ratio: range(-20, 40) }).optional(),
  /** Signal-to-noise ratio in dB. Noise is drawn evenly from the colours and, as one more choice, from the clips. */
  noise: z
    .strictObject({
      probability,
      ratio: range(-20, 80),
      colours: z.array(z.enum(["white", "pink", "brown"])).optional(),
      /** Paths of recordings. */
      clips: z.array(z.string()).optional(),
    })
    .refine(({ colours, clips }) => (colours ?? []).length + (clips ?? []).length > 0, "expected colours or clips")
    .optional(),
  /** Imitated lines: `telephone` (4 kHz, µ-law), `band-limit` (2 to 5.5 kHz), `8-bit`. */
  channel: z
    .strictObject({ probability, kinds: z.array(z.enum(["telephone", "band-limit", "8-bit"])).min(1) })
    .optional(),
  /** dB; never beyond full scale. */
  gain: z.strictObject({ probability, decibels: range(-60, 30) }).optional(),
});

export type Augmentation = z.infer<typeof augmentationSchema>;

/** Changes that leave every sound at its time. */
export const timelessAugmentationSchema = augmentationSchema.omit({ speed: true });

/** Rates whose half is the highest frequency left by `band-limit`, Hz. */
const LOW_RATES = [4000, 6000, 8000, 11025];

export interface Augmented {
  readonly samples: Float32Array;
  /** Times in the clip are to be divided by this. */
  readonly speed: number;
}

/**
 * Changes a clip as `seed` has it.
 * @param readClip samples of a noise recording at `sampleRate`.
 */
export async function augment(
  samples: Float32Array,
  sampleRate: number,
  settings: Augmentation,
  seed: number,
  readClip: (path: string) => Promise<Float32Array>,
): Promise<Augmented> {
  let out = samples;
  let speed = 1;
  for (const [i, kind] of (["speed", "reverberation", "noise", "channel", "gain"] as const).entries()) {
    const random = new Random(mixSeed(seed, i));
    if (!settings[kind] || random.uniform() >= settings[kind].probability) continue;
    if (kind === "speed") {
      const changed = changeSpeed(out, random.uniform(...settings.speed!.factor), sampleRate);
      speed = out.length / Math.max(1, changed.length);
      out = changed;
    } else if (kind === "reverberation") {
      const { seconds, ratio } = settings.reverberation!;
      out = reverberate(out, sampleRate, random.uniform(...seconds), random.uniform(...ratio), random);
    } else if (kind === "noise") {
      const { ratio, colours = [], clips = [] } = settings.noise!;
      const decibels = random.uniform(...ratio);
      const colour = colours[random.below(colours.length + (clips.length > 0 ? 1 : 0))];
      const other = colour
        ? noise(out.length, colour, random)
        : excerpt(await readClip(clips[random.below(clips.length)]!), out.length, random);
      out = other.length > 0 ? mix(out, other, decibels) : out;
    } else if (kind === "channel") {
      const { kinds } = settings.channel!;
      const chosen = kinds[random.below(kinds.length)];
      if (chosen === "telephone") out = telephone(out, sampleRate);
      else if (chosen === "8-bit") out = quantizeBits(out, 8);
      else out = bandLimit(out, sampleRate, LOW_RATES[random.below(LOW_RATES.length)]!);
    } else out = limited(gain(out, random.uniform(...settings.gain!.decibels)));
  }
  return { samples: out, speed };
}

/** A stretch of a recording that is longer than needed. */
function excerpt(recording: Float32Array, length: number, random: Random): Float32Array {
  const start = recording.length > length ? random.below(recording.length - length + 1) : 0;
  return recording.subarray(start, start + length);
}

/** In a room that decays by 60 dB in `seconds`; length and direct sound stay, the tail after the end is cut off. */
export function reverberate(
  samples: Float32Array,
  sampleRate: number,
  seconds: number,
  ratio: number,
  random: Random,
): Float32Array {
  const tail = convolve(samples, reverberantTail(seconds, sampleRate, random));
  const factor = Math.sqrt(energy(samples) / (energy(tail) || 1)) * 10 ** (-ratio / 20);
  return limited(samples.map((value, i) => value + factor * tail[i]!));
}
