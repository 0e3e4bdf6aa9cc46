/** Means over the real positions of padded batches. */
import type { Tensor } from "@uat/graph";

/** Which positions [batch, time] are real (float32 of 0 and 1), and how many []. */
export interface Positions {
  readonly mask: Tensor;
  readonly count: Tensor;
}

/** mask int32 [batch, time] of 0 and 1 → float32, and the number of ones (at least 1, so that an empty batch is 0). */
export function validPositions(mask: Tensor): Positions {
  const float = mask.cast("float32");
  return { mask: float, count: float.sum([0, 1]).clamp(1) };
}

/** Σ over real positions of the mean over the last axis, ÷ their number: values [batch, time, d] → []. */
export function maskedMean(values: Tensor, { mask, count }: Positions): Tensor {
  return values.mean(-1).mul(mask).sum([0, 1]).div(count);
}

/** Masked mean squared error of a and b [batch, time, d] → []. */
export function maskedSquaredError(a: Tensor, b: Tensor, valid: Positions): Tensor {
  const difference = a.sub(b);
  return maskedMean(difference.mul(difference), valid);
}
