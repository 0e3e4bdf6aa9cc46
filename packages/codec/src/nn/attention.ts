/** Scaled dot-product attention (Vaswani et al., 2017) over heads that lie side by side in the last axis. */
import type { Scope, Tensor } from "@uat/graph";
import { linear } from "./linear.ts";

/** [batch, time, heads · size] → [batch, heads, time, size]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [batch, time, width] = x.shape as [Tensor["shape"][number], Tensor["shape"][number], number];
  return x.reshape([batch, time, heads, width / heads]).transpose(0, 2, 1, 3);
}

/** [batch, heads, time, size] → [batch, time, heads · size]. */
export function joinHeads(x: Tensor): Tensor {
  const [batch, heads, time, size] = x.shape as [Tensor["shape"][number], number, Tensor["shape"][number], number];
  return x.transpose(0, 2, 1, 3).reshape([batch, time, heads * size]);
}

/**
 * q [batch, queries, width], k and v [batch, keys, width] → [batch, queries, width].
 * `bias` is added to the scores and broadcasts to [batch, queries, keys]; the score scale is 1/√(width / heads).
 *
 * Heads are computed one after the other: at 1,500 frames the scores of one head fit the processor's cache and those of
 * eight do not (faster, and 220 MB less at the peak).
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, heads: number, bias?: Tensor): Tensor {
  const size = (q.dim(-1) as number) / heads;
  const head = (x: Tensor, h: number) => (heads === 1 ? x : x.slice(2, h * size, (h + 1) * size));
  const queries = q.mul(1 / Math.sqrt(size));
  const [first, ...others] = Array.from({ length: heads }, (_, h) => {
    const scores = head(queries, h).matmul(head(k, h).transpose(0, 2, 1));
    const weights = (bias ? scores.add(bias) : scores).softmax(-1);
    return weights.matmul(head(v, h));
  });
  return (first as Tensor).concat(2, ...others);
}

/**
 * x [batch, time, d] attends to itself → [batch, time, d]: projections `query`, `key`, `value` and `output`. `bias` as in
 * {@link attention}.
 */
export function multiHead(x: Tensor, p: Scope, heads: number, bias?: Tensor): Tensor {
  const d = x.dim(-1) as number;
  const [q, k, v] = ["query", "key", "value"].map((name) => linear(x, p.at(name), d)) as [Tensor, Tensor, Tensor];
  return linear(attention(q, k, v, heads, bias), p.at("output"), d);
}
