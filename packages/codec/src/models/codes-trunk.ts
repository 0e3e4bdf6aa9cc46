/** What networks that start from codes have in common: an embedding, a convolution and feed-forward transformer blocks. */
import type { Scope, Tensor } from "@uat/graph";
import { alongTime, type FftBlocksConfig, fftBlocks } from "../nn/fft-block.ts";
import type { TrainingOptions } from "../nn/training-options.ts";
import { paddingBias } from "./whisper-encoder.ts";

export interface CodesTrunkConfig extends FftBlocksConfig {
  readonly vocab_size: number;
  /** Width of the token embedding. */
  readonly input_size: number;
}

export interface CodesTrunkOptions extends TrainingOptions {
  /** int32 [batch, N]: 0 at tokens that only fill up a batch, and that no other sees; none by default. */
  readonly mask?: Tensor | undefined;
  /** [batch, N]: what embeddings are multiplied by; training hides some. None by default. */
  readonly seen?: Tensor | undefined;
}

const INPUT_KERNEL = 5;

/** tokens int32 [batch, N] → states [batch, N, hidden_size], and what zeroes padding in [batch, N, any]. */
export function codesTrunk(
  tokens: Tensor,
  p: Scope,
  c: CodesTrunkConfig,
  { mask, seen, dropout = (y) => y, layer }: CodesTrunkOptions = {},
): { states: Tensor; kept: (x: Tensor) => Tensor } {
  const column = (x: Tensor) => x.reshape([tokens.dim(0), tokens.dim(1), 1]);
  const real = mask && column(mask.cast("float32"));
  const kept = (x: Tensor) => (real ? x.mul(real) : x);
  const table = p.at("embedding").tensor("weight", [c.vocab_size, c.input_size]);
  const embedded = dropout(table.gather(tokens), c.dropout_rate);
  const shown = kept(seen ? embedded.mul(column(seen)) : embedded);
  const x = kept(alongTime(shown, p.at("input"), c.hidden_size, INPUT_KERNEL));
  return { states: fftBlocks(x, p, c, { bias: mask && paddingBias(mask), kept, dropout, layer }), kept };
}
