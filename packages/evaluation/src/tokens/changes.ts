/** Changes to a clip that leave what is heard in it the same, or nearly so: codes should withstand them. */
import { bandLimit, gain, limited, mix, muLaw, noise, quantizeBits, type Random, resample } from "@uat/audio";

export interface AudioChange {
  /** Stable: `white-20`. */
  readonly id: string;
  readonly name: string;
  /** @param samples mono at `sampleRate` Hz. */
  readonly apply: (samples: Float32Array, sampleRate: number, random: Random) => Float32Array;
}

const withNoise = (colour: "white" | "pink", decibels: number): AudioChange => ({
  id: `${colour}-${decibels}`,
  name: `${colour} noise, ${decibels} dB below the clip`,
  apply: (samples, _, random) => mix(samples, noise(samples.length, colour, random), decibels),
});

const withGain = (decibels: number): AudioChange => ({
  id: `gain${decibels > 0 ? "+" : ""}${decibels}`,
  name: `level ${decibels > 0 ? "+" : "−"}${Math.abs(decibels)} dB`,
  // made quieter again where it would pass full scale, as a careful engineer does; clipping is another change
  apply: (samples) => limited(gain(samples, decibels)),
});

const throughRate = (rate: number): AudioChange => ({
  id: `rate-${rate}`,
  name: `resampled to ${(rate / 1000).toLocaleString("en")} kHz and back`,
  apply: (samples, sampleRate) =>
    rate < sampleRate
      ? bandLimit(samples, sampleRate, rate)
      : resample(resample(samples, sampleRate, rate), rate, sampleRate).slice(0, samples.length),
});

/** The clip begins later, as when a stream is cut elsewhere: no frame of it falls where it fell before. */
const shifted = (milliseconds: number): AudioChange => ({
  id: `shift-${milliseconds}`,
  name: `begins ${milliseconds} ms later`,
  apply: (samples, sampleRate) => samples.slice(Math.round((milliseconds * sampleRate) / 1000)),
});

export const AUDIO_CHANGES: readonly AudioChange[] = [
  withNoise("white", 20),
  withNoise("white", 10),
  withNoise("pink", 20),
  withNoise("pink", 10),
  withGain(6),
  withGain(-6),
  withGain(-20),
  throughRate(22_050),
  throughRate(11_025),
  throughRate(8_000),
  { id: "mu-law", name: "8 bits by the µ-law curve (G.711)", apply: (samples) => muLaw(samples) },
  { id: "pcm-8", name: "8 bits in even steps", apply: (samples) => quantizeBits(samples, 8) },
  shifted(5),
  shifted(10),
  shifted(20),
];
