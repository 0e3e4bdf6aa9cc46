/** Handle on a value of a graph, with the operators as methods so that networks read like their papers. */
import { type Dim, type Shape, sameDim } from "./dim.ts";
import type { DType, Graph } from "./graph.ts";
import { ctcLoss } from "./ops/ctc.ts";
import * as elementwise from "./ops/elementwise.ts";
import * as products from "./ops/linear.ts";
import * as losses from "./ops/loss.ts";
import * as reductions from "./ops/reduce.ts";
import * as shapes from "./ops/shape.ts";

export class Tensor {
  readonly graph: Graph;
  readonly id: number;
  readonly dtype: DType;
  readonly shape: Shape;
  readonly name: string | undefined;

  constructor(graph: Graph, id: number, dtype: DType, shape: Shape, name?: string) {
    this.graph = graph;
    this.id = id;
    this.dtype = dtype;
    this.shape = shape;
    this.name = name;
  }

  /** Size of one axis; negative axes count from the end. */
  dim(axis: number): Dim {
    return this.shape.at(axis) as Dim;
  }

  #lift(other: Tensor | number): Tensor {
    return typeof other === "number" ? this.graph.constant(other) : other;
  }

  #one(op: Parameters<Graph["apply"]>[0], inputs: readonly Tensor[], attributes?: unknown): Tensor {
    return this.graph.apply(op, [this, ...inputs], attributes)[0] as Tensor;
  }

  add(other: Tensor | number): Tensor {
    return this.#one(elementwise.add, [this.#lift(other)]);
  }

  sub(other: Tensor | number): Tensor {
    return this.#one(elementwise.sub, [this.#lift(other)]);
  }

  mul(other: Tensor | number): Tensor {
    return this.#one(elementwise.mul, [this.#lift(other)]);
  }

  div(other: Tensor | number): Tensor {
    return this.#one(elementwise.div, [this.#lift(other)]);
  }

  less(other: Tensor | number): Tensor {
    return this.#one(elementwise.less, [this.#lift(other)]);
  }

  exp(): Tensor {
    return this.#one(elementwise.exp, []);
  }

  log(): Tensor {
    return this.#one(elementwise.log, []);
  }

  sin(): Tensor {
    return this.#one(elementwise.sin, []);
  }

  cos(): Tensor {
    return this.#one(elementwise.cos, []);
  }

  tanh(): Tensor {
    return this.#one(elementwise.tanh, []);
  }

  sigmoid(): Tensor {
    return this.#one(elementwise.sigmoid, []);
  }

  sign(): Tensor {
    return this.#one(elementwise.sign, []);
  }

  abs(): Tensor {
    return this.#one(elementwise.abs, []);
  }

  sqrt(): Tensor {
    return this.#one(elementwise.sqrt, []);
  }

  softplus(): Tensor {
    return this.#one(elementwise.softplus, []);
  }

  erf(): Tensor {
    return this.#one(elementwise.erf, []);
  }

  gelu(): Tensor {
    return this.#one(elementwise.gelu, []);
  }

  elu(): Tensor {
    return this.#one(elementwise.elu, []);
  }

  leakyRelu(slope: number): Tensor {
    return this.#one(elementwise.leakyRelu, [], { slope });
  }

  clamp(minimum?: number, maximum?: number): Tensor {
    return this.#one(elementwise.clamp, [], { minimum, maximum });
  }

  cast = (to: DType): Tensor => (to === this.dtype ? this : this.#one(elementwise.cast, [], { to }));
  /** this (bool) ? a : b. */
  where(a: Tensor | number, b: Tensor | number): Tensor {
    return this.#one(elementwise.where, [this.#lift(a), this.#lift(b)]);
  }

  /** The same values, through which no gradient passes. */
  detach(): Tensor {
    return this.#one(elementwise.detach, []);
  }

  reshape(shape: Shape): Tensor {
    return this.#one(shapes.reshape, [], { shape });
  }

  transpose(...permutation: number[]): Tensor {
    return this.#one(shapes.transpose, [], { permutation });
  }

  slice(axis: number, start: Dim, end: Dim): Tensor {
    const whole = start === 0 && sameDim(end, this.dim(axis));
    return whole ? this : this.#one(shapes.slice, [], { axis, start, end });
  }

  concat(axis: number, ...others: Tensor[]): Tensor {
    return this.#one(shapes.concat, others, { axis });
  }

  gather(indices: Tensor, axis = 0): Tensor {
    return this.#one(shapes.gather, [indices], { axis });
  }

  /** Every `step`-th value from `start` along an axis, `count` of them. */
  stride(axis: number, start: number, step: number, count: Dim): Tensor {
    return this.#one(shapes.stride, [], { axis, start, step, count });
  }

  /** The axis (of known size) in reverse order. */
  flip(axis: number): Tensor {
    const n = this.dim(axis) as number;
    return this.gather(
      this.graph.constant(
        BigInt64Array.from({ length: n }, (_, i) => BigInt(n - 1 - i)),
        [n],
      ),
      axis,
    );
  }

  /** Sums the rows [..., ...indices, ...] of `this` by their index into an axis of `size`. */
  scatterRows(indices: Tensor, axis: number, size: Dim): Tensor {
    return this.#one(shapes.scatterRows, [indices], { axis, size });
  }

  pad(axis: number, before: Dim, after: Dim, mode: "constant" | "reflect" = "constant"): Tensor {
    return before === 0 && after === 0 ? this : this.#one(shapes.pad, [], { axis, before, after, mode });
  }

  expand(shape: Shape): Tensor {
    return this.#one(shapes.expand, [], { shape });
  }

  matmul(other: Tensor): Tensor {
    return this.#one(products.matmul, [other]);
  }

  /** this · weightᵀ + bias, weight [out, in]. */
  linear(weight: Tensor, bias?: Tensor, alpha?: number): Tensor {
    return this.#one(products.linear, bias ? [weight, bias] : [weight], alpha === undefined ? {} : { alpha });
  }

  /** Σ over all rows of this [..., m] and other [..., n] of their outer products · alpha → [m, n]. */
  rowProducts(other: Tensor, alpha = 1): Tensor {
    return this.#one(products.rowProducts, [other], { alpha });
  }

  conv1d(weight: Tensor, bias: Tensor | undefined, attributes: products.ConvolutionAttributes = {}): Tensor {
    return this.#one(products.conv1d, bias ? [weight, bias] : [weight], attributes);
  }

  convTranspose1d(
    weight: Tensor,
    bias: Tensor | undefined,
    attributes: { stride: number; padding: number; dilation?: number },
  ): Tensor {
    return this.#one(products.convTranspose1d, bias ? [weight, bias] : [weight], attributes);
  }

  /** Cross-entropy of int32 labels [...] under softmax(this [..., d] · tableᵀ [vocabulary, d]); negative ones are ignored. */
  linearCrossEntropy(table: Tensor, labels: Tensor): { losses: Tensor; probabilities: Tensor; correct: Tensor } {
    const [a, b, c] = this.graph.apply(losses.linearCrossEntropy, [this, table, labels], undefined);
    return { losses: a as Tensor, probabilities: b as Tensor, correct: c as Tensor };
  }

  /**
   * Losses [batch] of int32 labels [batch, length] (padded by −1) under the logits `this` [batch, time, units], unit 0
   * the blank, `lengths` int32 [batch] frames being real; 0 where a label does not fit into them.
   */
  ctcLoss(labels: Tensor, lengths: Tensor): Tensor {
    return this.#one(ctcLoss, [labels, lengths]);
  }

  softmax(axis = -1): Tensor {
    return this.#one(reductions.softmax, [], { axis });
  }

  layerNorm(scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
    return this.#one(reductions.layerNorm, [scale, bias], { epsilon });
  }

  groupNorm(groups: number, scale: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
    return this.#one(reductions.groupNorm, [scale, bias], { groups, epsilon });
  }

  mean(axis: number | readonly number[], keepDims = false): Tensor {
    return this.#one(reductions.mean, [], { axis, keepDims });
  }

  max(axis: number | readonly number[], keepDims = false): Tensor {
    return this.#one(reductions.max, [], { axis, keepDims });
  }

  sum(axis: number | readonly number[], keepDims = false): Tensor {
    return this.#one(reductions.sum, [], { axis, keepDims });
  }

  sumSquares(axis: number | readonly number[], keepDims = false): Tensor {
    return this.#one(reductions.sumSquares, [], { axis, keepDims });
  }

  argMax(axis: number): Tensor {
    return this.#one(reductions.argMax, [], { axis });
  }

  smallest(k: number): { values: Tensor; indices: Tensor } {
    const [values, indices] = this.graph.apply(reductions.smallest, [this], {
      k,
    });
    return { values: values as Tensor, indices: indices as Tensor };
  }

  /** Adds `size` axes of 1 so that the tensor broadcasts against later axes. */
  unsqueeze(axis: number): Tensor {
    const at = axis < 0 ? this.shape.length + 1 + axis : axis;
    return this.reshape([...this.shape.slice(0, at), 1, ...this.shape.slice(at)]);
  }
}
