/**
 * Discriminators that each see every p-th sample side by side (HiFi-GAN, Kong et al., 2020, arXiv 2010.05646,
 * section 2.3). The published kernels are (k, 1) over [samples / p, p]: the p columns never meet, so the convolutions
 * are one-dimensional over p times as many items.
 */
import { type Dim, mulDim, type Scope, type Tensor } from "@uat/graph";
import { conv1d } from "universal-audio-tokenizer/internal";
import type { Verdict } from "./verdict.ts";

export interface MultiPeriodConfig {
  readonly periods: readonly number[];
  /** Widths of the layers; all but the last keep a third of the time axis. */
  readonly channels: readonly number[];
}

/** The published size: 41 M parameters. */
export const MULTI_PERIOD: MultiPeriodConfig = { periods: [2, 3, 5, 7, 11], channels: [32, 128, 512, 1024, 1024] };

const KERNEL = 5;
const STRIDE = 3;
const SLOPE = 0.1;

/** x [batch, samples], samples a number → one verdict a period; parameters `PERIOD.convs.I` and `PERIOD.conv_post`. */
export const multiPeriod = (x: Tensor, p: Scope, c: MultiPeriodConfig): Verdict[] =>
  c.periods.map((period) => periodDiscriminator(x, period, p.at(period), c.channels));

function periodDiscriminator(x: Tensor, period: number, p: Scope, channels: readonly number[]): Verdict {
  let h = columns(x, period);
  const features: Tensor[] = [];
  for (const [i, width] of channels.entries()) {
    const stride = i === channels.length - 1 ? 1 : STRIDE;
    h = conv1d(h, p.at("convs", i), width, { kernel: KERNEL, stride, padding: (KERNEL - 1) / 2 }).leakyRelu(SLOPE);
    features.push(h);
  }
  const score = conv1d(h, p.at("conv_post"), 1, { kernel: 3, padding: 1 });
  return { score, features: [...features, score] };
}

/** x [batch, samples] → [batch · period, 1, samples / period], the samples made a multiple by mirroring the end. */
function columns(x: Tensor, period: number): Tensor {
  const [batch, samples] = x.shape as [Dim, number];
  const rows = Math.ceil(samples / period);
  return x
    .pad(1, 0, rows * period - samples, "reflect")
    .reshape([batch, rows, period])
    .transpose(0, 2, 1)
    .reshape([mulDim(batch, period), 1, rows]);
}
