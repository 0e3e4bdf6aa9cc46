/**
 * HiFT, a vocoder that upsamples a mel beside a harmonic-plus-noise excitation and ends in an inverse short-time
 * Fourier transform (Li et al., 2023, arXiv 2309.09493; residual blocks of HiFi-GAN, arXiv 2010.05646, with Snake).
 */
import { type Graph, mulDim, type Scope, symbol, type Tensor } from "@uat/graph";
import { snake } from "../nn/activation.ts";
import { conv1d, convTranspose1d } from "../nn/convolution.ts";
import { inverseStft, stft } from "../nn/stft.ts";

/** The fields of `hift` in config.yaml that shape the generator, by their names there. */
export interface HiftConfig {
  readonly in_channels: number;
  readonly base_channels: number;
  readonly upsample_rates: readonly number[];
  readonly upsample_kernel_sizes: readonly number[];
  readonly istft_params: { readonly n_fft: number; readonly hop_len: number };
  readonly resblock_kernel_sizes: readonly number[];
  readonly resblock_dilation_sizes: readonly (readonly number[])[];
  readonly source_resblock_kernel_sizes: readonly number[];
  readonly source_resblock_dilation_sizes: readonly (readonly number[])[];
  readonly lrelu_slope: number;
  readonly audio_limit: number;
  readonly source_filter: boolean;
}

/** Slope before the last convolution, whatever `lrelu_slope` says. */
const LAST_SLOPE = 0.01;
const LARGEST_MAGNITUDE = 100;
const MEL_KERNEL = 7;

/** Samples of a mel frame. */
export const samplesPerFrame = (c: HiftConfig): number =>
  c.upsample_rates.reduce((p, r) => p * r, 1) * c.istft_params.hop_len;

/** For each dilation d: x += conv(snake(conv_d(snake(x)))), both convolutions keeping the length. */
function residualBlock(x: Tensor, p: Scope, kernel: number, dilations: readonly number[]): Tensor {
  const width = x.dim(1) as number;
  const half = (kernel - 1) / 2;
  let h = x;
  for (const [i, dilation] of dilations.entries()) {
    const wide = { kernel, dilation, padding: half * dilation };
    const inner = conv1d(snake(h, p.at("activations1", i)), p.at("conv1", i), width, wide);
    h = h.add(conv1d(snake(inner, p.at("activations2", i)), p.at("conv2", i), width, { kernel, padding: half }));
  }
  return h;
}

/**
 * The excitation's spectrum times a filter, both complex, as a source-filter vocoder has it (neural homomorphic vocoder,
 * Liu et al., 2020, Interspeech): harmonics and noise are in the excitation already, so that a smooth filter at a low
 * rate is all that has to be learnt. source [batch, 2 · bins, frames], filter [batch, bins, frames] in two parts.
 */
function filtered(source: Tensor, real: Tensor, imaginary: Tensor): Tensor {
  const bins = real.dim(1) as number;
  const [a, b] = [source.slice(1, 0, bins), source.slice(1, bins, 2 * bins)];
  return a
    .mul(real)
    .sub(b.mul(imaginary))
    .concat(1, a.mul(imaginary).add(b.mul(real)));
}

/** Steps of excitation frames per frame of each stage's output. */
const sourceStrides = (c: HiftConfig): number[] =>
  c.upsample_rates.map((_, i) => c.upsample_rates.slice(i + 1).reduce((p, r) => p * r, 1));

/** What {@link hift} computes; emission drops what no chosen output needs. */
export type HiftValues = Record<string, Tensor> & { readonly wav: Tensor };

/**
 * mel [batch, mels, frames], source [batch, 1, samples per frame · frames], the excitation → `wav` [batch, samples]
 * within ±audio_limit, and the values on the way.
 */
export function hift(mel: Tensor, source: Tensor, p: Scope, c: HiftConfig): HiftValues {
  const { n_fft, hop_len } = c.istft_params;
  const taps: Record<string, Tensor> = { source_stft: stft(source, n_fft, hop_len) };
  const strides = sourceStrides(c);
  const stages = c.upsample_rates.length;

  let x = conv1d(mel, p.at("pre_conv"), c.base_channels, { kernel: MEL_KERNEL, padding: (MEL_KERNEL - 1) / 2 });
  taps.pre_conv = x;
  for (let i = 0; i < stages; i++) {
    const width = Math.floor(c.base_channels / 2 ** (i + 1));
    const stride = c.upsample_rates[i] as number;
    const kernel = c.upsample_kernel_sizes[i] as number;
    x = convTranspose1d(x.leakyRelu(c.lrelu_slope), p.at("ups", i), width, {
      kernel,
      stride,
      padding: (kernel - stride) / 2,
    });
    taps[`up${i}`] = x;
    // the excitation has one frame more than the mel's multiple
    if (i === stages - 1) x = x.pad(2, 1, 0, "reflect");
    const down = strides[i] as number;
    const fused = conv1d(
      taps.source_stft as Tensor,
      p.at("source_downs", i),
      width,
      down === 1 ? { kernel: 1 } : { kernel: 2 * down, stride: down, padding: Math.floor(down / 2) },
    );
    x = x.add(
      residualBlock(
        fused,
        p.at("source_resblocks", i),
        c.source_resblock_kernel_sizes[i] as number,
        c.source_resblock_dilation_sizes[i] as number[],
      ),
    );
    const kernels = c.resblock_kernel_sizes;
    x = kernels
      .map((k, j) =>
        residualBlock(x, p.at("resblocks", kernels.length * i + j), k, c.resblock_dilation_sizes[j] as number[]),
      )
      .reduce((sum, y) => sum.add(y))
      .mul(1 / kernels.length);
  }
  x = conv1d(x.leakyRelu(LAST_SLOPE), p.at("post_conv"), n_fft + 2, { kernel: MEL_KERNEL, padding: 3 });
  taps.post_conv = x;

  const bins = n_fft / 2 + 1;
  // limited before the exponential: one that overflows has no gradient
  const magnitude = x.slice(1, 0, bins).clamp(undefined, Math.log(LARGEST_MAGNITUDE)).exp();
  const phase = x.slice(1, bins, 2 * bins).sin();
  const [real, imaginary] = [magnitude.mul(phase.cos()), magnitude.mul(phase.sin())];
  const spectrum = c.source_filter ? filtered(taps.source_stft as Tensor, real, imaginary) : real.concat(1, imaginary);
  const wav = inverseStft(spectrum, n_fft, hop_len)
    .clamp(-c.audio_limit, c.audio_limit)
    .reshape([mel.dim(0), mulDim(mel.dim(2), samplesPerFrame(c))]);
  return { ...taps, wav };
}

/** For decoding: inputs `mel` [1, mels, frames] and `source` [1, 1, samples]; returns the values of {@link hift}. */
export function hiftGraph(graph: Graph, p: Scope, c: HiftConfig): HiftValues {
  const frames = symbol("frames");
  const mel = graph.input("mel", [1, c.in_channels, frames]);
  return hift(mel, graph.input("source", [1, 1, mulDim(frames, samplesPerFrame(c))]), p, c);
}

/**
 * Frames on either side that a sample depends on, counted generously: every convolution's reach, at its own rate.
 * A piece of a mel with this many extra frames gives the samples of its middle exactly.
 */
export function hiftReach(c: HiftConfig): number {
  const blockReach = (kernel: number, dilations: readonly number[]) =>
    dilations.reduce((sum, d) => sum + ((kernel - 1) / 2) * (d + 1), 0);
  let reach = (MEL_KERNEL - 1) / 2;
  let rate = 1;
  for (let i = 0; i < c.upsample_rates.length; i++) {
    const stride = c.upsample_rates[i] as number;
    reach += Math.ceil((c.upsample_kernel_sizes[i] as number) / stride / 2) / rate;
    rate *= stride;
    const blocks = c.resblock_kernel_sizes.map((k, j) => blockReach(k, c.resblock_dilation_sizes[j] as number[]));
    const source = blockReach(
      c.source_resblock_kernel_sizes[i] as number,
      c.source_resblock_dilation_sizes[i] as number[],
    );
    // the excitation's branch is as deep as the blocks after it plus its own
    reach += (Math.max(...blocks) + source + 2) / rate;
  }
  reach += ((MEL_KERNEL - 1) / 2 + c.istft_params.n_fft / c.istft_params.hop_len) / rate;
  return Math.ceil(reach) + 1;
}
