/**
 * A vocoder that speaks piece after piece as if they were one: the phases of the harmonics run on, a piece is computed
 * with the frames around it in view, and the noise of a frame does not depend on where the pieces are cut.
 */
import { TorchGenerator } from "../random/torch-generator.ts";
import { joinSamples } from "./join.ts";
import { concatMel, emptyMel, lastFrames, type Mel, sliceMel } from "./mel.ts";
import type { Vocoder, VocoderOptions } from "./vocoder.ts";

/** Weights of a cross-fade in equal steps; they add up to 1. */
export function linearFade(length: number): { rising: Float64Array; falling: Float64Array } {
  const rising = Float64Array.from({ length }, (_, i) => (i + 1) / (length + 1));
  return { rising, falling: rising.map((w) => 1 - w) };
}

/** Keeps the voice's random values apart from others that start at the same seed. */
const SEED_OFFSET = 0x9e3779b9;

export class ContinuousVoice {
  readonly #vocoder: Vocoder;
  readonly #random: TorchGenerator;
  readonly #phases: Float32Array;
  /** Running phases at the end of the last piece. */
  #cycles: Float64Array<ArrayBuffer>;
  /** Noise of samples past the last piece, already used once for the frames that followed it: one array a harmonic. */
  #noise: Float32Array[];
  /** The frames before the next piece, with their excitation. */
  #before: { mel: Mel; source: Float32Array } | undefined;
  /** What the last piece made of the frame after it. */
  #preview: Float32Array | undefined;

  constructor(vocoder: Vocoder, seed: number) {
    this.#vocoder = vocoder;
    this.#random = new TorchGenerator(seed + SEED_OFFSET);
    this.#phases = this.#random.uniform(vocoder.harmonics, -Math.PI, Math.PI);
    this.#cycles = new Float64Array(vocoder.harmonics);
    this.#noise = Array.from({ length: vocoder.harmonics }, () => new Float32Array(0));
  }

  /** The waveform of `mel`, with `after` as a preview of what follows it. */
  async say(mel: Mel, after: Mel, options: VocoderOptions = {}): Promise<{ waveform: Float32Array; f0: Float32Array }> {
    const vocoder = this.#vocoder;
    const step = vocoder.samplesPerFrame;
    const before = this.#before ?? { mel: emptyMel(mel.bins), source: new Float32Array(0) };
    const seen = concatMel(before.mel, mel, sliceMel(after, 0, Math.min(after.frames, vocoder.reach)));
    const first = before.mel.frames;
    const f0 = (seen.f0 ?? (await vocoder.f0(seen))).subarray(first);

    this.#drawNoise(f0.length);
    const draw = (from: number) => ({
      phases: this.#phases,
      noise: (h: number) => (this.#noise[h] as Float32Array).subarray(from),
    });
    const source = vocoder.excitation(f0.subarray(0, mel.frames), draw(0), this.#cycles);
    const ahead = vocoder.excitation(f0.subarray(mel.frames), draw(mel.frames * step), this.#cycles.slice());
    this.#noise = this.#noise.map((n) => n.slice(mel.frames * step));
    // whole turns do not matter, and would cost precision over hours
    this.#cycles = this.#cycles.map((c) => c - Math.floor(c));

    const excitation = joinSamples(before.source, source, ahead);
    const samples = await vocoder.waveform(seen, excitation, options);
    const waveform = samples.slice(first * step, (first + mel.frames) * step);
    if (this.#preview) blend(waveform, this.#preview);

    this.#preview =
      after.frames > 0 ? samples.slice((first + mel.frames) * step, (first + mel.frames + 1) * step) : undefined;
    const kept = Math.min(vocoder.reach, before.mel.frames + mel.frames);
    this.#before = {
      mel: lastFrames(concatMel(before.mel, mel), kept),
      source: excitation.slice((first + mel.frames - kept) * step, (first + mel.frames) * step),
    };
    return { waveform, f0: f0.slice(0, mel.frames) };
  }

  /** Makes noise reach `frames` past the last piece, drawn frame by frame. */
  #drawNoise(frames: number): void {
    const step = this.#vocoder.samplesPerFrame;
    const known = (this.#noise[0] as Float32Array).length;
    if (known >= frames * step) return;
    this.#noise = this.#noise.map((n) => joinSamples(n, new Float32Array(frames * step - known)));
    for (let at = known; at < frames * step; at += step) {
      const drawn = this.#random.randn(this.#noise.length * step);
      for (const [h, n] of this.#noise.entries()) n.set(drawn.subarray(h * step, (h + 1) * step), at);
    }
  }
}

/** Fades from `before` into the start of `samples`, in place. */
function blend(samples: Float32Array, before: Float32Array): void {
  const length = Math.min(samples.length, before.length);
  const { rising, falling } = linearFade(length);
  for (let i = 0; i < length; i++)
    samples[i] = (samples[i] as number) * (rising[i] as number) + (before[i] as number) * (falling[i] as number);
}
