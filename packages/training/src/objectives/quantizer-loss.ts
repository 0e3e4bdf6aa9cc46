/** The graph's part of training the quantiser (van den Oord et al., 2017, arXiv 1711.00937, section 3.2). */
import type { Tensor } from "@uat/graph";
import { maskedSquaredError } from "./masked.ts";

export interface QuantizerLossConfig {
  readonly quantize_commit_coefficient: number;
  readonly quantize_loss_scale: number;
  readonly quantize_ema_decay: number | null;
  readonly use_commit_loss: boolean;
  readonly quantize_restart_interval?: number | null;
}

/** The codes' values, through which gradients pass as if nothing had been quantised. */
export const straightThrough = (searched: Tensor, quantized: Tensor): Tensor =>
  searched.sub(searched.detach()).add(quantized.detach());

/**
 * scale · coefficient · MSE(x, sg(q)), over real positions; a codebook that does not follow by moving averages gets
 * scale · MSE(q, sg(x)) as well. searched, quantized [batch, time, d] → [].
 */
export function quantizerLoss(
  searched: Tensor,
  quantized: Tensor,
  valid: { mask: Tensor; count: Tensor },
  c: QuantizerLossConfig,
): Tensor {
  const commit = maskedSquaredError(searched, quantized.detach(), valid).mul(c.quantize_commit_coefficient);
  if (c.quantize_ema_decay !== null) return commit.mul(c.quantize_loss_scale);
  return commit.add(maskedSquaredError(quantized, searched.detach(), valid)).mul(c.quantize_loss_scale);
}
