import { bandLimit, Fft, gain, mix, muLaw, type NoiseColour, noise, quantizeBits } from "@uat/audio";
import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { level, peak } from "../synth/levels.ts";
import { type Augmentation, augment, augmentationSchema, reverberate } from "./augment.ts";
import { changeSpeed } from "./speed.ts";

const RATE = 16000;
const tone = (hz: number, seconds = 1) =>
  Float32Array.from({ length: seconds * RATE }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hz * i) / RATE));

/** Mean power of the spectrum between two frequencies. */
function bandPower(samples: Float32Array, low: number, high: number): number {
  const size = 4096;
  const fft = new Fft(size);
  let sum = 0;
  let bins = 0;
  for (let at = 0; at + size <= samples.length; at += size) {
    const re = Float64Array.from(samples.subarray(at, at + size));
    const im = new Float64Array(size);
    fft.forward(re, im);
    for (let k = Math.ceil((low * size) / RATE); k <= (high * size) / RATE; k++) {
      sum += re[k]! ** 2 + im[k]! ** 2;
      bins++;
    }
  }
  return sum / bins;
}
const decibels = (power: number) => 10 * Math.log10(power);

describe("noise", () => {
  it.each([
    ["white", 0],
    ["pink", -3],
  ] as [NoiseColour, number][])("%s falls by %f dB an octave", (colour, slope) => {
    const samples = noise(40 * 4096, colour, new Random(1));
    expect(level(samples)).toBeCloseTo(1, 5);
    // from 62.5 Hz to 4 kHz: six octaves
    const fall = decibels(bandPower(samples, 3500, 4500)) - decibels(bandPower(samples, 54, 70));
    expect(fall / 6).toBeGreaterThan(slope - 0.35);
    expect(fall / 6).toBeLessThan(slope + 0.35);
  });

  it("is mixed at the ratio asked for", () => {
    const quiet = gain(tone(440), -30);
    const mixed = mix(quiet, noise(5000, "white", new Random(3)), 6);
    const added = mixed.map((value, i) => value - quiet[i]!);
    expect(20 * Math.log10(level(quiet) / level(added))).toBeCloseTo(6, 1);
  });
});

describe("speed", () => {
  it("changes length and pitch alike", () => {
    const faster = changeSpeed(tone(400), 1.25, RATE);
    expect(faster.length).toBe(12800);
    expect(bandPower(faster, 490, 510)).toBeGreaterThan(100 * bandPower(faster, 390, 410));
  });
});

describe("channels", () => {
  it("lose what lies above half of the rate", () => {
    const high = tone(6000);
    const both = tone(1000).map((value, i) => value + high[i]!);
    const limited = bandLimit(both, RATE, 8000);
    expect(limited.length).toBe(both.length);
    expect(decibels(bandPower(limited, 900, 1100) / bandPower(both, 900, 1100))).toBeCloseTo(0, 0);
    expect(decibels(bandPower(limited, 5900, 6100) / bandPower(both, 5900, 6100))).toBeLessThan(-40);
  });

  it("keep the error of µ-law proportional to the sample, of even steps constant", () => {
    const samples = Float32Array.from({ length: 1000 }, (_, i) => ((i + 0.5) / 1000) * (i % 2 ? 1 : -1));
    const companded = muLaw(samples);
    const stepped = quantizeBits(samples, 8);
    for (const [i, value] of samples.entries()) {
      // a step of the curve is a factor of about 256^(1/127) around a knee at 1/255
      expect(Math.abs(companded[i]! - value)).toBeLessThan(
        (Math.abs(value) + 1 / 255) * (256 ** (0.5 / 127) - 1) * 1.02,
      );
      if (value < 127 / 128) expect(Math.abs(stepped[i]! - value)).toBeLessThanOrEqual(1 / 256 + 1e-7);
    }
    expect(muLaw(Float32Array.of(1, -1, 0))).toEqual(Float32Array.of(1, -1, 0));
  });
});

describe("reverberation", () => {
  it("decays by 60 dB in the time asked for and keeps the direct sound", () => {
    const click = new Float32Array(RATE);
    click[0] = 0.9;
    const wet = reverberate(click, RATE, 0.5, 0, new Random(4));
    const slope = decibels(level(wet.subarray(5600, 6400)) ** 2) - decibels(level(wet.subarray(1600, 2400)) ** 2);
    // 4,000 samples apart: half of the time, half of the fall
    expect(slope).toBeGreaterThan(-34);
    expect(slope).toBeLessThan(-26);
    const tail = wet.slice();
    tail[0] = 0;
    expect(10 * Math.log10(wet[0]! ** 2 / (level(tail) ** 2 * tail.length))).toBeCloseTo(0, 1);
  });
});

describe("augment", () => {
  const all: Augmentation = {
    speed: { probability: 1, factor: [0.8, 0.8] },
    reverberation: { probability: 1, seconds: [0.2, 0.4], ratio: [5, 10] },
    noise: { probability: 1, ratio: [10, 20], colours: ["pink"], clips: ["x.wav"] },
    channel: { probability: 1, kinds: ["telephone", "band-limit", "8-bit"] },
    gain: { probability: 1, decibels: [-10, 20] },
  };
  const clip = async () => noise(RATE, "brown", new Random(9));

  it("depends on the seed alone", async () => {
    const once = await augment(tone(300), RATE, all, 5, clip);
    expect(await augment(tone(300), RATE, all, 5, clip)).toEqual(once);
    expect((await augment(tone(300), RATE, all, 6, clip)).samples).not.toEqual(once.samples);
    expect(once.speed).toBeCloseTo(0.8, 3);
    expect(once.samples.length).toBe(20000);
    expect(peak(once.samples)).toBeLessThanOrEqual(1);
  });

  it("happens as often as its probability says, whatever else is switched on", async () => {
    const half: Augmentation = { noise: { probability: 0.5, ratio: [10, 10], colours: ["white"] } };
    const short = tone(300, 0.01);
    let changed = 0;
    for (let seed = 0; seed < 1000; seed++) {
      const { samples } = await augment(short, RATE, half, seed, clip);
      const noisy = samples !== short;
      changed += Number(noisy);
      const louder = await augment(short, RATE, { ...half, gain: { probability: 1, decibels: [0, 0] } }, seed, clip);
      expect(louder.samples).toEqual(samples);
    }
    expect(Math.abs(changed - 500)).toBeLessThan(4 * Math.sqrt(250));
  });

  it("leaves silence silent", async () => {
    const { samples } = await augment(new Float32Array(RATE), RATE, all, 1, clip);
    expect(peak(samples)).toBe(0);
  });

  it("refuses settings that mean nothing", () => {
    expect(augmentationSchema.safeParse({ noise: { probability: 1, ratio: [1, 2] } }).success).toBe(false);
    expect(augmentationSchema.safeParse({ gain: { probability: 1, decibels: [3, -3] } }).success).toBe(false);
    expect(augmentationSchema.safeParse({ echo: {} }).success).toBe(false);
    expect(augmentationSchema.safeParse(all).success).toBe(true);
  });
});
