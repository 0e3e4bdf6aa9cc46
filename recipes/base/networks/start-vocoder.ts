/**
 * What the vocoder's training starts from: not chance, but a plain source-filter vocoder. With these weights the filter is
 * the mel's own envelope, spread over the bins, less that of the excitation; speech is understood before the first step,
 * and training has only to refine it.
 */
import { DECODER_SAMPLE_RATE, decoderMel, melFilters } from "@uat/audio";
import { Random } from "@uat/training";
import type { HiftConfig } from "universal-audio-tokenizer/internal";
import { type InitialParameter, initialWeights } from "../../../packages/training/src/systems/initial-weights.ts";
import { vocoderParameters } from "../../../packages/training/src/systems/vocoder-training.ts";

/** Upper end of the mel bands, Hz. */
const HIGHEST = 8000;
/** Mean and deviation of log-mels. */
const LOG_MEL = { mean: -6, deviation: 2.5 };
/** Slope of HiFT's last activation. */
const LAST_SLOPE = 0.01;
/** How strongly the excitation is fed: tanh must not flatten the pulses. */
const SOURCE_GAIN = 0.2;
/** The pitch predictor's output is in Hz; larger activations let it get there by small steps of its last layer. */
const PITCH_GAIN = 30;

/** @param c with `source_filter`, one stage that doubles the frame rate, and at least two channels a mel band. */
export function startVocoder(c: HiftConfig): InitialParameter[] {
  const parameters = [...initialWeights(vocoderParameters(c, OBJECTIVES, 32).generator, 1)];
  const at = (name: string): Float32Array => {
    const found = parameters.find((parameter) => parameter.name === name);
    if (!found) throw new Error(`no parameter ${name}`);
    return found.values;
  };
  const mels = c.in_channels;
  const width = c.base_channels / 2;
  // a mel band and its negative, so that the leaky slopes cancel: l(x) − l(−x) = (1 + slope)·x
  const before = at("pre_conv.weight").fill(0, 0, 2 * mels * mels * 7);
  for (let m = 0; m < mels; m++)
    for (const [i, sign] of [1, -1].entries()) before[((2 * m + i) * mels + m) * 7 + 3] = sign;
  at("pre_conv.bias").fill(0);
  // frames of the inverse transform lie at the mel frames' centres and half way between
  const taps = [0.5, 1, 0.5, 0];
  const up = quiet(at("ups.0.weight"));
  for (let m = 0; m < mels; m++)
    for (const input of [0, 1])
      for (const output of [0, 1])
        for (const [k, tap] of taps.entries())
          up[((2 * m + input) * width + 2 * m + output) * 4 + k]! +=
            (tap * (input === output ? 1 : -1)) / (1 + c.lrelu_slope);
  at("ups.0.bias").fill(0);
  for (const { name, values } of parameters) if (/^source_downs\.|resblocks\.\d+\.conv2\./.test(name)) quiet(values);

  const bins = c.istft_params.n_fft / 2 + 1;
  const spread = bandsToBins(mels, bins);
  const own = excitationMel(c);
  const after = quiet(at("post_conv.weight"));
  const bias = at("post_conv.bias").fill(0);
  for (let k = 0; k < bins; k++)
    for (let m = 0; m < mels; m++) {
      const share = spread[k * mels + m]!;
      after[(k * width + 2 * m) * 7 + 3]! += share / (1 + LAST_SLOPE);
      after[(k * width + 2 * m + 1) * 7 + 3]! -= share / (1 + LAST_SLOPE);
      bias[k] = bias[k]! - share * own[m]!;
    }
  at("source.l_linear.weight").fill(SOURCE_GAIN);
  at("source.l_linear.bias").fill(0);
  startPitch(at, c);
  return parameters;
}

/** Next to nothing, but not zero: weights are stored as lengths and directions. */
function quiet(values: Float32Array): Float32Array {
  for (const [i, v] of values.entries()) values[i] = 1e-3 * v;
  return values;
}

/** Mel of the excitation's noise, which is as loud as its pulses. */
function excitationMel(c: HiftConfig): Float32Array {
  const random = new Random(5);
  const noise = Float32Array.from({ length: DECODER_SAMPLE_RATE }, () =>
    Math.tanh(SOURCE_GAIN * c.nsf_alpha * random.normal()),
  );
  const { data, frames, mels } = decoderMel(noise);
  return Float32Array.from({ length: mels }, (_, m) => {
    let sum = 0;
    for (let t = 0; t < frames; t++) sum += data[m * frames + t]!;
    return sum / frames;
  });
}

/** Linear interpolation between the bands' centres: [bins, mels], rows summing to one. */
function bandsToBins(mels: number, bins: number): Float32Array {
  const nFft = 16384;
  const { starts, weights } = melFilters({ sampleRate: DECODER_SAMPLE_RATE, nFft, mels, maxHz: HIGHEST });
  const centres = Array.from(weights, (w, m) => {
    let [sum, total] = [0, 0];
    for (const [i, v] of w.entries()) {
      sum += v * (starts[m]! + i);
      total += v;
    }
    return ((sum / total) * DECODER_SAMPLE_RATE) / nFft;
  });
  const spread = new Float32Array(bins * mels);
  for (let k = 0; k < bins; k++) {
    const hz = (k * DECODER_SAMPLE_RATE) / 2 / (bins - 1);
    const upper = centres.findIndex((centre) => centre >= hz);
    if (upper <= 0) spread[k * mels + (upper < 0 ? mels - 1 : 0)] = 1;
    else {
      const share = (hz - centres[upper - 1]!) / (centres[upper]! - centres[upper - 1]!);
      spread[k * mels + upper] = share;
      spread[k * mels + upper - 1] = 1 - share;
    }
  }
  return spread;
}

/** Normalises what the pitch predictor is given, and scales what comes before its last layer. */
function startPitch(at: (name: string) => Float32Array, c: HiftConfig): void {
  const { in_channels, cond_channels } = c.f0_predictor;
  const weight = at("f0_predictor.condnet.0.weight");
  const bias = at("f0_predictor.condnet.0.bias");
  for (let o = 0; o < cond_channels; o++) {
    let sum = 0;
    for (let i = o * in_channels * 3; i < (o + 1) * in_channels * 3; i++) {
      weight[i] = weight[i]! / LOG_MEL.deviation;
      sum += weight[i]!;
    }
    bias[o] = bias[o]! - sum * LOG_MEL.mean;
  }
  for (const name of ["weight", "bias"]) {
    const last = at(`f0_predictor.condnet.8.${name}`);
    for (const [i, v] of last.entries()) last[i] = PITCH_GAIN * v;
  }
}

/** Parameters do not depend on these. */
const OBJECTIVES = {
  mel: 1,
  stft: 1,
  stft_resolutions: [{ size: 256, hop: 64, window: 256 }],
  f0: 1,
  adversarial: null,
};
