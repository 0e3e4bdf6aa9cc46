/**
 * What a vocoder is taught by: distances between spectra of its sound and the true one; then discriminators that tell
 * the two apart (least squares, Mao et al., 2016, arXiv 1611.04076) and the distance of what they see on the way
 * (feature matching, HiFi-GAN, Kong et al., 2020, arXiv 2010.05646); and its pitch predictor by a measured pitch.
 */
import { type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { f0Predictor, type HiftConfig, hift, samplesPerFrame } from "universal-audio-tokenizer/internal";
import { multiPeriod } from "../discriminators/multi-period.ts";
import { multiResolution } from "../discriminators/multi-resolution.ts";
import type { Verdict } from "../discriminators/verdict.ts";
import type { Objective } from "../engine/loss-program.ts";
import { logMel, magnitudes, type SpectrumResolution } from "./vocoder-spectra.ts";

/** Resolutions of Parallel WaveGAN (Yamamoto et al., 2019, arXiv 1910.11480). */
export const STFT_RESOLUTIONS: readonly SpectrumResolution[] = [
  { size: 1024, hop: 120, window: 600 },
  { size: 2048, hop: 240, window: 1200 },
  { size: 512, hop: 50, window: 240 },
];

/** Weights of the parts of a generator's loss; HiFi-GAN's for mel and features. */
export const MEL_WEIGHT = 45;
export const FEATURE_WEIGHT = 2;
/** Errors of pitch count in units of this, Hz, so that they are of the size of the other parts. */
const F0_UNIT = 100;

/** What a generator step is fed. */
export interface VocoderInputs {
  /** [batch, mels, T] */
  readonly mel: Tensor;
  /** Sines and noise of the measured pitch [batch, harmonics, samples], before they are mixed. */
  readonly harmonics: Tensor;
  /** The true sound [batch, samples]. */
  readonly audio: Tensor;
  /** Measured pitch [batch, T] in Hz, 0 where unvoiced. */
  readonly f0: Tensor;
}

/** Declares {@link VocoderInputs} under their own names: any batch of crops of `frames` frames. */
export function vocoderInputs(graph: Graph, c: HiftConfig, frames: number): VocoderInputs {
  const batch = symbol("batch");
  const samples = frames * samplesPerFrame(c);
  return {
    mel: graph.input("mel", [batch, c.in_channels, frames]),
    harmonics: graph.input("harmonics", [batch, c.nb_harmonics + 1, samples]),
    audio: graph.input("audio", [batch, samples]),
    f0: graph.input("f0", [batch, frames]),
  };
}

/** `source.l_linear` and tanh: harmonics [batch, harmonics, samples] → excitation [batch, 1, samples]. */
export function mixHarmonics(harmonics: Tensor, p: Scope): Tensor {
  const mix = p.at("source", "l_linear");
  const count = harmonics.dim(1) as number;
  return harmonics.conv1d(mix.tensor("weight", [1, count]).reshape([1, count, 1]), mix.tensor("bias", [1])).tanh();
}

/** The vocoder's sound [batch, samples] for a batch. */
export const vocoderSound = (inputs: VocoderInputs, p: Scope, c: HiftConfig): Tensor =>
  hift(inputs.mel, mixHarmonics(inputs.harmonics, p), p, c).wav;

const meanAbsolute = (a: Tensor, b: Tensor): Tensor =>
  a
    .sub(b)
    .abs()
    .mean(a.shape.map((_, i) => i));

const sumOf = (parts: readonly Tensor[]): Tensor => parts.slice(1).reduce((sum, t) => sum.add(t), parts[0] as Tensor);
const meanOf = (parts: readonly Tensor[]): Tensor => sumOf(parts).mul(1 / parts.length);

/** Mean absolute difference of log-mels (natural logarithm) []. */
export const melDistance = (fake: Tensor, real: Tensor): Tensor => meanAbsolute(logMel(fake), logMel(real));

/**
 * Multi-resolution STFT loss []: spectral convergence ‖S − Ŝ‖ / ‖S‖ (over the whole batch) plus the mean absolute
 * difference of log magnitudes, mean over {@link STFT_RESOLUTIONS}.
 */
export function stftLoss(fake: Tensor, real: Tensor, resolutions = STFT_RESOLUTIONS): Tensor {
  return meanOf(
    resolutions.map((resolution) => {
      const [a, b] = [magnitudes(fake, resolution), magnitudes(real, resolution)];
      const convergence = b
        .sub(a)
        .sumSquares([0, 1, 2])
        .sqrt()
        .div(b.sumSquares([0, 1, 2]).sqrt());
      return convergence.add(meanAbsolute(a.log(), b.log()));
    }),
  );
}

/** Mean absolute difference of the predicted pitch from the measured one [], in units of 100 Hz. */
export const f0Loss = (inputs: VocoderInputs, p: Scope, c: HiftConfig): Tensor =>
  meanAbsolute(f0Predictor(inputs.mel, p.at("f0_predictor"), c.f0_predictor), inputs.f0).mul(1 / F0_UNIT);

const squaredDistance = (scores: Tensor, from: number): Tensor => {
  const error = scores.sub(from);
  return error.mul(error).mean(scores.shape.map((_, i) => i));
};

/** What the discriminators are taught []: 1 for true sound, 0 for the vocoder's; summed over them. */
export const discriminatorLoss = (real: readonly Verdict[], fake: readonly Verdict[]): Tensor =>
  sumOf(real.map((r, i) => squaredDistance(r.score, 1).add(squaredDistance(fake[i]!.score, 0))));

/** What the generator is taught by them []: that they say 1. */
export const adversarialLoss = (fake: readonly Verdict[]): Tensor =>
  sumOf(fake.map((f) => squaredDistance(f.score, 1)));

/** Feature matching []: the mean absolute difference of every layer's output, summed over layers and discriminators. */
export const featureLoss = (real: readonly Verdict[], fake: readonly Verdict[]): Tensor =>
  sumOf(real.flatMap((r, i) => r.features.map((f, j) => meanAbsolute(fake[i]!.features[j]!, f.detach()))));

/** Weights of the parts of a vocoder's loss, by their names in a run's configuration. */
export interface VocoderObjectives {
  readonly mel: number;
  readonly stft: number;
  readonly stft_resolutions: readonly SpectrumResolution[];
  readonly f0: number;
  readonly adversarial: AdversarialObjectives | null;
}

export interface AdversarialObjectives {
  /** Updates before discriminators take part. */
  readonly start_step: number;
  readonly weight: number;
  readonly feature_matching: number;
  readonly periods: readonly number[];
  readonly period_channels: readonly number[];
  readonly resolutions: readonly SpectrumResolution[];
  readonly resolution_channels: number;
}

/** Names of the discriminators' parameters begin so. */
export const DISCRIMINATOR = "discriminator";

/** What all discriminators say of sounds [batch, samples]. */
export function discriminate(x: Tensor, p: Scope, a: AdversarialObjectives): Verdict[] {
  const scope = p.at(DISCRIMINATOR);
  return [
    ...multiPeriod(x, scope.at("period"), { periods: a.periods, channels: a.period_channels }),
    ...multiResolution(x, scope.at("resolution"), { resolutions: a.resolutions, channels: a.resolution_channels }),
  ];
}

/**
 * The vocoder's loss over crops, with its parts as metrics and its sound [batch, samples] as the output `sound`.
 * @param adversarial whether discriminators take part.
 */
export function generatorObjective(
  inputs: VocoderInputs,
  p: Scope,
  c: HiftConfig,
  objectives: VocoderObjectives,
  adversarial: boolean,
): Objective {
  const { audio } = inputs;
  const sound = vocoderSound(inputs, p, c);
  const mel = melDistance(sound, audio);
  const stft = stftLoss(sound, audio, objectives.stft_resolutions);
  const f0 = f0Loss(inputs, p, c);
  const loss = mel.mul(objectives.mel).add(stft.mul(objectives.stft)).add(f0.mul(objectives.f0));
  const a = adversarial ? objectives.adversarial : null;
  if (a === null) return { loss, metrics: { mel, stft, f0 }, outputs: { sound } };
  const [onReal, onFake] = [discriminate(audio, p, a), discriminate(sound, p, a)];
  const fooled = adversarialLoss(onFake);
  const features = featureLoss(onReal, onFake);
  return {
    loss: loss.add(fooled.mul(a.weight)).add(features.mul(a.feature_matching)),
    metrics: { mel, stft, f0, adversarial: fooled, features },
    outputs: { sound },
  };
}

/** The discriminators' loss. Inputs `audio` and `sound` [batch, samples], true and made by the vocoder. */
export function discriminatorObjective(graph: Graph, p: Scope, samples: number, a: AdversarialObjectives): Objective {
  const [audio, sound] = ["audio", "sound"].map((name) => graph.input(name, [symbol("batch"), samples])) as [
    Tensor,
    Tensor,
  ];
  return { loss: discriminatorLoss(discriminate(audio, p, a), discriminate(sound, p, a)) };
}
