/**
 * Discriminators that each see a magnitude spectrogram of another resolution (UnivNet, Jang et al., 2021,
 * arXiv 2106.07889, section 2.2): two-dimensional convolutions of 3 frames × 9 bins, three of which halve the bins.
 *
 * A kernel's three frames are laid side by side as channels, and frames as items of a batch; what is left is a
 * one-dimensional convolution over bins. That is the same sum, and needs no operator beside `conv1d`. A weight
 * [out, in, 3, 9] is kept as [out, 3 · in, 9], the frame before, the frame itself, the frame after.
 */
import { type Dim, mulDim, type Scope, type Tensor } from "@uat/graph";
import { conv1d } from "universal-audio-tokenizer/internal";
import { magnitudes, type SpectrumResolution } from "../objectives/vocoder-spectra.ts";
import type { Verdict } from "./verdict.ts";

export interface MultiResolutionConfig {
  readonly resolutions: readonly SpectrumResolution[];
  /** Width of every layer. */
  readonly channels: number;
}

/** The published resolutions and width. */
export const MULTI_RESOLUTION: MultiResolutionConfig = {
  resolutions: [
    { size: 1024, hop: 120, window: 600 },
    { size: 2048, hop: 240, window: 1200 },
    { size: 512, hop: 50, window: 240 },
  ],
  channels: 32,
};

const SLOPE = 0.1;
/** Bins under the kernel of each layer, and its step along them. */
const LAYERS = [
  { kernel: 9, stride: 1 },
  { kernel: 9, stride: 2 },
  { kernel: 9, stride: 2 },
  { kernel: 9, stride: 2 },
  { kernel: 3, stride: 1 },
] as const;

/** x [batch, samples] → one verdict a resolution; parameters `INDEX.convs.I` and `INDEX.conv_post`. */
export const multiResolution = (x: Tensor, p: Scope, c: MultiResolutionConfig): Verdict[] =>
  c.resolutions.map((resolution, i) => spectrumDiscriminator(magnitudes(x, resolution), p.at(i), c.channels));

/** Spectrogram [batch, bins, frames]. */
function spectrumDiscriminator(spectrogram: Tensor, p: Scope, channels: number): Verdict {
  let h = spectrogram.transpose(0, 2, 1).unsqueeze(2);
  const features: Tensor[] = [];
  for (const [i, { kernel, stride }] of LAYERS.entries()) {
    h = overFramesAndBins(h, p.at("convs", i), channels, kernel, stride).leakyRelu(SLOPE);
    features.push(h);
  }
  const score = overFramesAndBins(h, p.at("conv_post"), 1, 3, 1);
  return { score, features: [...features, score] };
}

/** A convolution of 3 frames × `kernel` bins, edges padded with zeros: x [batch, frames, channels, bins] → the same. */
function overFramesAndBins(x: Tensor, p: Scope, out: number, kernel: number, stride: number): Tensor {
  const [batch, frames, channels, bins] = x.shape as [Dim, number, number, Dim];
  const padded = x.pad(1, 1, 1);
  const around = padded.slice(1, 0, frames).concat(2, x, padded.slice(1, 2, frames + 2));
  const flat = around.reshape([mulDim(batch, frames), 3 * channels, bins]);
  const y = conv1d(flat, p, out, { kernel, stride, padding: (kernel - 1) / 2 });
  return y.reshape([batch, frames, out, y.dim(2)]);
}
