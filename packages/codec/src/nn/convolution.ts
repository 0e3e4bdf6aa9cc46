import type { Scope, Tensor } from "@uat/graph";

export interface ConvolutionOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
  /** Zeros on both sides, or before and after. */
  readonly padding?: number | readonly [number, number];
}

/** x [batch, in, time] → [batch, out, time'] with parameters `weight` [out, in, kernel] and `bias` [out]. */
export function conv1d(x: Tensor, p: Scope, out: number, options: ConvolutionOptions): Tensor {
  const { kernel, stride = 1, dilation = 1, padding = 0 } = options;
  const pads = typeof padding === "number" ? ([padding, padding] as const) : padding;
  const weight = p.tensor("weight", [out, x.dim(1) as number, kernel]);
  return x.conv1d(weight, p.tensor("bias", [out]), { stride, dilation, padding: pads });
}

/** Transposed convolution, `weight` [in, out, kernel]: time' = (time − 1)·stride + kernel − 2·padding. */
export function convTranspose1d(
  x: Tensor,
  p: Scope,
  out: number,
  options: { kernel: number; stride: number; padding: number },
): Tensor {
  const weight = p.tensor("weight", [x.dim(1) as number, out, options.kernel]);
  return x.convTranspose1d(weight, p.tensor("bias", [out]), { stride: options.stride, padding: options.padding });
}
