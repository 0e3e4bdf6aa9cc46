/**
 * Distill-MOS: how good speech sounds, guessed without its original (B. Stahl and H. Gamper, "Distillation and pruning
 * for scalable self-supervised representation-based speech quality assessment", ICASSP 2025, arXiv 2502.05356): a small
 * convolutional transformer that learned from one over wav2vec 2.0 XLS-R. Weights are those of the PyPI package
 * `distillmos` (MIT); scores agree with it.
 */
import { Fft, hannWindow, resample } from "@uat/audio";
import { buildGraph, compile, type Program, type Runtime, Scope, type Tensor } from "@uat/graph";
import {
  joinHeads,
  layerNorm,
  linear,
  type ModelFiles,
  openTorchFile,
  parametersOf,
  splitHeads,
  type TensorStore,
} from "universal-audio-tokenizer/internal";
import { EvaluationError } from "../errors.ts";

/** File of the package, below the folder it is installed in. */
export const DISTILL_MOS_FILE = "distillmos/weights/distill_mos_v7.pt";

const RATE = 16_000;
/** Samples that are heard at once: 7.68 s. Longer clips are heard in pieces at most a second apart. */
const WINDOW = 122_880;
const N_FFT = 320;
const HOP = 160;
const BINS = N_FFT / 2 + 1;
const FRAMES = WINDOW / HOP;
/** Magnitudes are raised to this. */
const COMPRESSION = 0.3;
/** Channels and strides (in frequency and in time) of the convolutions, by their number in the checkpoint. */
const CONVOLUTIONS = [
  { index: 0, channels: 64, stride: [1, 1] },
  { index: 2, channels: 64, stride: [2, 1] },
  { index: 4, channels: 128, stride: [2, 1] },
  { index: 6, channels: 256, stride: [2, 1] },
  { index: 8, channels: 256, stride: [2, 1] },
  { index: 10, channels: 256, stride: [2, 2] },
] as const;
const WIDTH = 200;
const HEADS = 8;
const LAYERS = 7;

export class DistillMos {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  /** @throws CheckpointError, GraphError when the file is missing or holds something else. */
  static async load(files: ModelFiles, runtime: Runtime): Promise<DistillMos> {
    const store = await openTorchFile(await files.open(DISTILL_MOS_FILE));
    try {
      return await DistillMos.fromStore(store, runtime);
    } finally {
      await store.close();
    }
  }

  /** @param store tensors `model.cnn.*` and `model.transformer_pool_attn.*`, as the package's file has them. */
  static async fromStore(store: TensorStore, runtime: Runtime): Promise<DistillMos> {
    const source = parametersOf(store);
    const graph = buildGraph("distill_mos", (g) => {
      const spectrum = g.input("spectrum", [BINS, 2, FRAMES]);
      return { quality: quality(spectrum, new Scope(g, source, "model")) };
    });
    return new DistillMos(await compile(runtime, graph));
  }

  /**
   * A mean opinion score, 1 (bad) to 5 (excellent).
   * @param samples mono, at least one; their loudness does not count.
   * @param sampleRate Hz; resampled to 16 kHz.
   */
  async score(samples: Float32Array, sampleRate: number): Promise<number> {
    if (samples.length === 0) throw new EvaluationError("a clip without samples has no quality; expected at least one");
    const heard = sampleRate === RATE ? samples : resample(samples, sampleRate, RATE);
    const starts = windowStarts(heard.length);
    let sum = 0;
    for (const start of starts) {
      const data = compressedSpectrum(heard.subarray(start, start + WINDOW));
      const { quality } = await this.#program.run({ spectrum: { data, shape: [BINS, 2, FRAMES] } });
      sum += quality?.data[0] as number;
    }
    return 1 + (4 * sum) / starts.length;
  }

  async dispose(): Promise<void> {
    await this.#program.dispose();
  }
}

function windowStarts(n: number): number[] {
  const over = Math.max(0, n - WINDOW);
  const steps = Math.ceil(over / RATE);
  return Array.from({ length: steps + 1 }, (_, i) => Math.floor((i * over) / Math.max(1, steps)));
}

/**
 * Real and imaginary parts [161, 2, 768] of 20 ms Hann frames of a window brought to full scale and padded with zeros
 * at its end; magnitudes to the power of 0.3.
 */
function compressedSpectrum(samples: Float32Array): Float32Array {
  const peak = samples.reduce((m, v) => Math.max(m, Math.abs(v)), 0) + 1e-8;
  const pad = HOP / 2;
  const padded = new Float64Array(WINDOW + 2 * pad);
  for (let i = 0; i < samples.length; i++) padded[pad + i] = (samples[i] as number) / peak;
  for (let i = 0; i < pad; i++) {
    padded[i] = padded[2 * pad - i] as number;
    padded[pad + WINDOW + i] = padded[pad + WINDOW - 2 - i] as number;
  }
  const window = hannWindow(N_FFT);
  const fft = new Fft(N_FFT);
  const re = new Float64Array(N_FFT);
  const im = new Float64Array(N_FFT);
  const out = new Float32Array(BINS * 2 * FRAMES);
  for (let t = 0; t < FRAMES; t++) {
    for (let i = 0; i < N_FFT; i++) re[i] = (padded[t * HOP + i] as number) * (window[i] as number);
    im.fill(0);
    fft.forward(re, im);
    for (let k = 0; k < BINS; k++) {
      const magnitude = Math.max(Math.hypot(re[k] as number, im[k] as number), 1e-12);
      const scale = magnitude ** COMPRESSION / magnitude;
      out[2 * k * FRAMES + t] = (re[k] as number) * scale;
      out[(2 * k + 1) * FRAMES + t] = (im[k] as number) * scale;
    }
  }
  return out;
}

/** spectrum [161, 2, 768] → [1] in 0 … 1. */
function quality(spectrum: Tensor, p: Scope): Tensor {
  let x = spectrum;
  for (const { index, channels, stride } of CONVOLUTIONS)
    x = convolution(x, p.at("cnn", "cnn", index), channels, stride).leakyRelu(0.1);
  // channels and frequencies of a frame side by side
  const [bins, channels, frames] = x.shape as [number, number, number];
  const q = p.at("transformer_pool_attn");
  x = x.transpose(2, 1, 0).reshape([frames, channels * bins]);
  x = batchNorm(batchNorm(x, q.at("norm_input")), q.at("transformer", "norm"));
  const position = q.tensor("transformer.position_encoding.pe", [1, frames, WIDTH]);
  x = linear(x, q.at("transformer", "linear_proj"), WIDTH).unsqueeze(0).add(position);
  for (let n = 0; n < LAYERS; n++) x = encoderLayer(x, q.at("transformer", "transformer_encoder", "layers", n));
  x = batchNorm(x.reshape([frames, WIDTH]), q.at("norm_trans"));
  // pooled by attention: every frame says how much it counts
  const hidden = linear(x, q.at("pool", "linear1"), 2 * WIDTH).clamp(0);
  const share = linear(hidden, q.at("pool", "linear2"), 1).transpose(1, 0).softmax(1);
  return linear(share.matmul(x), q.at("pool", "linear3"), 1).sigmoid().reshape([1]);
}

/**
 * Convolution by 3 × 3 over x [frequency, in, time], padded by one in time: one over time, of three neighbouring
 * frequencies as channels.
 */
function convolution(x: Tensor, p: Scope, out: number, [frequency, time]: readonly [number, number]): Tensor {
  const [bins, channels] = x.shape as [number, number, number];
  const count = Math.floor((bins - 3) / frequency) + 1;
  const [first, second, third] = [0, 1, 2].map((k) => x.stride(0, k, frequency, count)) as [Tensor, Tensor, Tensor];
  const weight = p.tensor("weight", [out, channels, 3, 3]);
  return first
    .concat(1, second, third)
    .conv1d(weight.transpose(0, 2, 1, 3).reshape([out, 3 * channels, 3]), p.tensor("bias", [out]), {
      stride: time,
      padding: [1, 1],
    });
}

/** x [frames, width] by the means and variances that training saw. */
function batchNorm(x: Tensor, p: Scope): Tensor {
  const width = x.dim(1) as number;
  const scale = p.tensor("weight", [width]).div(p.tensor("running_var", [width]).add(1e-5).sqrt());
  return x
    .sub(p.tensor("running_mean", [width]))
    .mul(scale)
    .add(p.tensor("bias", [width]));
}

/** A layer of torch.nn.TransformerEncoder, norms after the sums, x [1, frames, width]. */
function encoderLayer(x: Tensor, p: Scope): Tensor {
  const a = p.at("self_attn");
  const joined = x.linear(a.tensor("in_proj_weight", [3 * WIDTH, WIDTH]), a.tensor("in_proj_bias", [3 * WIDTH]));
  const part = (i: number) => splitHeads(joined.slice(2, i * WIDTH, (i + 1) * WIDTH), HEADS);
  const scores = part(0)
    .matmul(part(1).transpose(0, 1, 3, 2))
    .mul(1 / Math.sqrt(WIDTH / HEADS));
  const heard = linear(joinHeads(scores.softmax().matmul(part(2))), a.at("out_proj"), WIDTH);
  const y = layerNorm(x.add(heard), p.at("norm1"));
  const hidden = linear(y, p.at("linear1"), 2 * WIDTH).clamp(0);
  return layerNorm(y.add(linear(hidden, p.at("linear2"), WIDTH)), p.at("norm2"));
}
