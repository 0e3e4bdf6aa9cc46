/** Vector quantisation: the nearest row of a codebook in squared Euclidean distance (van den Oord et al., 2017). */
import type { Scope, Tensor } from "@uat/graph";

export interface QuantizerResult {
  /** Index of the nearest code, int64 [batch, time]; the lower index wins a tie. */
  readonly codes: Tensor;
  /** Squared distances to the nearest and the second nearest code, [batch, time, 2]. */
  readonly distances: Tensor;
  /** The nearest code vector itself, [batch, time, d]. */
  readonly quantized: Tensor;
}

/** x [batch, time, d] against `codebook.weight` [size, d]: ‖c‖² + ‖x‖² − 2x·c in float32. */
export function quantize(x: Tensor, p: Scope, size: number): QuantizerResult {
  const d = x.dim(-1) as number;
  const codebook = p.at("codebook").tensor("weight", [size, d]);
  const norms = codebook.sumSquares(1);
  // Gemm adds ‖c‖² while it multiplies; ‖x‖² is the same for all codes of a frame and cannot change the order
  const partial = x.linear(codebook, norms, -2);
  const { values, indices } = partial.smallest(2);
  const codes = indices.slice(2, 0, 1).reshape(x.shape.slice(0, 2));
  const distances = values.add(x.sumSquares(-1, true));
  return { codes, distances, quantized: codebook.gather(codes) };
}

/** (x − mean) / deviation for each dimension, as an extra field of this project's configurations asks. */
export function standardize(x: Tensor, p: Scope): Tensor {
  const size = [x.dim(-1) as number];
  return x.sub(p.tensor("quantize_mean", size)).div(p.tensor("quantize_std", size));
}
