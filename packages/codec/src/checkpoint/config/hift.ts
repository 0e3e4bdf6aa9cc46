/** The vocoder (mel → waveform) in decoder/config.yaml. */
import { z } from "zod";
import { count, instance, number, only, positive, refuser, size, sizes } from "./decoder-fields.ts";

/** Upstream counts mel frames by these, whatever the configuration says. */
const SAMPLE_RATE = 22050;
const HOP_LENGTH = 256;

/** Hz */
export const sampleRate = only(SAMPLE_RATE).default(SAMPLE_RATE);

const oddSizes = z
  .array(
    size.refine((kernel) => kernel % 2, "expected an odd number"),
    "expected a list of odd numbers",
  )
  .min(1, "expected a list of odd numbers");
const dilations = z.array(sizes, "expected a list of lists of dilations");
export const hift = instance(["HiFTGenerator"], {
  in_channels: size.default(80),
  base_channels: size.default(512),
  nb_harmonics: count.default(8),
  /** Hz */
  sampling_rate: sampleRate,
  nsf_alpha: number.default(0.1),
  nsf_sigma: number.default(0.003),
  /** Hz */
  nsf_voiced_threshold: number.default(10),
  upsample_rates: sizes.default([8, 8]),
  upsample_kernel_sizes: sizes.default([16, 16]),
  istft_params: z
    .looseObject({ n_fft: size, hop_len: size }, "expected a mapping with n_fft and hop_len")
    .default({ n_fft: 16, hop_len: 4 }),
  resblock_kernel_sizes: oddSizes.default([3, 7, 11]),
  resblock_dilation_sizes: dilations.default([
    [1, 3, 5],
    [1, 3, 5],
    [1, 3, 5],
  ]),
  source_resblock_kernel_sizes: oddSizes.default([7, 11]),
  source_resblock_dilation_sizes: dilations.default([
    [1, 3, 5],
    [1, 3, 5],
  ]),
  lrelu_slope: number.default(0.1),
  audio_limit: positive.default(0.99),
  /** An extension: the spectrum is the excitation's, filtered, instead of the network's own. */
  source_filter: z.boolean("expected true or false").default(false),
  f0_predictor: instance(["ConvRNNF0Predictor"], {
    num_class: only(1).default(1),
    in_channels: size.default(80),
    cond_channels: size.default(512),
  }),
});

/** Mel-to-waveform network. */
export type HiftConfig = z.output<typeof hift>;

/** Refuses a vocoder whose fields contradict each other, or the number of `mels` that the field `source` gives. */
export function checkHift(hift: HiftConfig, mels: number, source: string, file: string): void {
  const refuse = refuser(file);
  if (hift.in_channels !== mels) refuse("hift.in_channels", hift.in_channels, `${source}, which is ${mels}`);
  const stages = hift.upsample_rates.length;
  if (hift.upsample_kernel_sizes.length !== stages)
    refuse("hift.upsample_kernel_sizes", hift.upsample_kernel_sizes, `as many as upsample_rates, which are ${stages}`);
  hift.upsample_rates.forEach((step, i) => {
    const kernel = hift.upsample_kernel_sizes[i]!;
    if (kernel < step || (kernel - step) % 2)
      refuse(
        `hift.upsample_kernel_sizes[${i}]`,
        kernel,
        `at least upsample_rates[${i}] = ${step} and of the same parity`,
      );
  });
  if (hift.base_channels % 2 ** stages)
    refuse("hift.base_channels", hift.base_channels, `a multiple of ${2 ** stages}`);
  if (hift.source_resblock_kernel_sizes.length !== stages)
    refuse(
      "hift.source_resblock_kernel_sizes",
      hift.source_resblock_kernel_sizes,
      `as many as upsample_rates, which are ${stages}`,
    );
  if (hift.source_resblock_dilation_sizes.length !== stages)
    refuse(
      "hift.source_resblock_dilation_sizes",
      hift.source_resblock_dilation_sizes,
      `as many as upsample_rates, which are ${stages}`,
    );
  if (hift.resblock_dilation_sizes.length !== hift.resblock_kernel_sizes.length)
    refuse(
      "hift.resblock_dilation_sizes",
      hift.resblock_dilation_sizes,
      `as many as resblock_kernel_sizes, which are ${hift.resblock_kernel_sizes.length}`,
    );
  const { n_fft, hop_len } = hift.istft_params;
  if (n_fft % 2 || hop_len > n_fft)
    refuse("hift.istft_params", hift.istft_params, "an even n_fft and a hop_len of at most n_fft");
  const hop = hift.upsample_rates.reduce((product, step) => product * step, hop_len);
  if (hop !== HOP_LENGTH)
    refuse(
      "hift.upsample_rates",
      hift.upsample_rates,
      `rates whose product with hop_len ${hop_len} is ${HOP_LENGTH} samples a mel frame; it is ${hop}`,
    );
}
