/**
 * Self-attention with relative positions (Dai et al., 2019, arXiv 1901.02860, as used in conformers):
 * score(i, j) = ((q_i + u)·k_j + (q_i + v)·p_{i−j}) / √size, p a projection of a table of sines.
 */
import { mulDim, type Scope, type Tensor } from "@uat/graph";
import { joinHeads, splitHeads } from "./attention.ts";
import { linear } from "./linear.ts";

/**
 * Sines and cosines interleaved: offsets [n] (N−1 … −(N−1)) → table [1, n, d],
 * entry 2i = sin(r·10000^(−2i/d)), entry 2i+1 = cos of the same.
 */
export function relativePositions(offsets: Tensor, d: number): Tensor {
  const rates = Float32Array.from({ length: d / 2 }, (_, i) =>
    Math.exp(Math.fround(2 * i * Math.fround(-Math.log(10000) / d))),
  );
  const angles = offsets.reshape([offsets.dim(0), 1, 1]).mul(offsets.graph.constant(rates, [1, d / 2, 1]));
  return angles
    .sin()
    .concat(2, angles.cos())
    .reshape([1, offsets.dim(0), d]);
}

/**
 * Scores by offset → scores by key: x [batch, heads, N, 2N−1], column c of row i belonging to key i + c − (N−1)
 * → [batch, heads, N, N]. One column of padding makes each row one longer than the step between rows, so that reading
 * the same values with rows of 2N−1 shifts row i by i columns.
 */
function shiftToKeys(x: Tensor): Tensor {
  const [batch, heads, n, offsets] = x.shape as [Tensor["shape"][number], number, Tensor["shape"][number], never];
  return x
    .pad(3, 1, 0)
    .reshape([batch, heads, mulDim(n, 2), n])
    .slice(2, 1, mulDim(n, 2))
    .reshape([batch, heads, n, offsets])
    .slice(3, 0, n);
}

/**
 * x [batch, N, d], table [1, 2N−1, d] → [batch, N, d]; `bias` is added to the scores (masks), `dropout` applied to the
 * attention weights in training.
 */
export function relativeAttention(
  x: Tensor,
  table: Tensor,
  p: Scope,
  heads: number,
  bias?: Tensor,
  dropout: (weights: Tensor) => Tensor = (weights) => weights,
): Tensor {
  const d = x.dim(-1) as number;
  const size = d / heads;
  const q = linear(x, p.at("linear_q"), d);
  const k = splitHeads(linear(x, p.at("linear_k"), d), heads);
  const v = splitHeads(linear(x, p.at("linear_v"), d), heads);
  const positions = splitHeads(linear(table, p.at("linear_pos"), d, { bias: false }), heads);
  const shifted = (name: string) => splitHeads(q.add(p.tensor(name, [heads, size]).reshape([d])), heads);
  const content = shifted("pos_bias_u").matmul(k.transpose(0, 1, 3, 2));
  const position = shiftToKeys(shifted("pos_bias_v").matmul(positions.transpose(0, 1, 3, 2)));
  const scores = content.add(position).mul(1 / Math.sqrt(size));
  const weights = (bias ? scores.add(bias) : scores).softmax(-1);
  return linear(joinHeads(dropout(weights).matmul(v)), p.at("linear_out"), d);
}
