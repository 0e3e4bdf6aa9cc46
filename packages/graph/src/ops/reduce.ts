/** Operators along an axis: normalisations, softmax, means, searches. */
import { type Dim, exactDivide, mulDim, product, sameDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { defineOp } from "./definition.ts";
import { sumTo } from "./elementwise.ts";
import { normalizeAxis } from "./shape.ts";

export const softmax = defineOp<{ axis: number }>({
  name: "softmax",
  infer: ([x], { axis }) => {
    normalizeAxis(axis, x!.shape.length);
    return [{ dtype: "float32", shape: x!.shape }];
  },
  emit: (e, [x], { axis }) => e.node("Softmax", [x!.value], { axis }),
  gradient({ outputs: [y], attributes: { axis } }, g) {
    const product = g!.mul(y!);
    return [product.sub(y!.mul(product.sum(axis, true)))];
  },
});

/** Over the last axis, then · scale + bias, both [last]. */
export const layerNorm = defineOp<{ epsilon: number }>({
  name: "layerNorm",
  infer([x, scale, bias]) {
    const last = x!.shape.at(-1) as Dim;
    for (const t of [scale, bias]) {
      if (t && !(t.shape.length === 1 && sameDim(t.shape[0] as Dim, last)))
        throw new GraphError(`last axis is ${last}`);
    }
    return [{ dtype: "float32", shape: x!.shape }];
  },
  emit: (e, inputs, { epsilon }) =>
    e.node(
      "LayerNormalization",
      inputs.map((t) => t.value),
      { axis: -1, epsilon },
    ),
  gradient({ inputs: [x, scale], attributes: { epsilon }, needed }, g) {
    const { normal, inverse } = normalize(x!, -1, epsilon);
    return [
      needed[0] ? throughNormal(g!.mul(scale!), normal, inverse, -1) : undefined,
      needed[1] ? sumTo(g!.mul(normal), scale!.shape) : undefined,
      needed[2] ? sumTo(g!, scale!.shape) : undefined,
    ];
  },
});

/** (x − mean) / √(variance + ε) along an axis, and the inverse deviation. */
function normalize(x: Tensor, axis: number, epsilon: number): { normal: Tensor; inverse: Tensor } {
  const centered = x.sub(x.mean(axis, true));
  const variance = centered.mul(centered).mean(axis, true);
  const inverse = x.graph.constant(1).div(variance.add(epsilon).sqrt());
  return { normal: centered.mul(inverse), inverse };
}

/** The gradient of x, given that of its normalised form: (g − mean g − n · mean(g · n)) / deviation. */
const throughNormal = (g: Tensor, normal: Tensor, inverse: Tensor, axis: number): Tensor =>
  g
    .sub(g.mean(axis, true))
    .sub(normal.mul(g.mul(normal).mean(axis, true)))
    .mul(inverse);

/** x [batch, channels, time], statistics over each group of channels and all time; scale and bias [channels]. */
export const groupNorm = defineOp<{ groups: number; epsilon: number }>({
  name: "groupNorm",
  infer([x, scale], { groups }) {
    const channels = x!.shape[1] as Dim;
    if (
      x!.shape.length !== 3 ||
      !sameDim(channels, scale!.shape[0] as Dim) ||
      exactDivide(channels, groups) === undefined
    ) {
      throw new GraphError(`${groups} groups of ${channels} channels with scale [${scale!.shape}]`);
    }
    return [{ dtype: "float32", shape: x!.shape }];
  },
  emit(e, [x, scale, bias], { groups, epsilon }) {
    const channels = x!.shape[1] as number;
    const ones = e.constant(new Float32Array(groups).fill(1), [groups]);
    const zeros = e.constant(new Float32Array(groups), [groups]);
    const [grouped] = e.node("Reshape", [x!.value, e.int64([0, groups, -1])]);
    const [normal] = e.node("InstanceNormalization", [grouped!, ones, zeros], {
      epsilon,
    });
    const [back] = e.node("Reshape", [normal!, e.reshapeTarget([], x!.shape)]);
    const column = (v: string) => e.node("Reshape", [v, e.int64([channels, 1])])[0]!;
    const [scaled] = e.node("Mul", [back!, column(scale!.value)]);
    return e.node("Add", [scaled!, column(bias!.value)]);
  },
  gradient({ inputs: [x, scale], attributes: { groups, epsilon }, needed }, g) {
    const [batch, channels, time] = x!.shape as [Dim, number, Dim];
    const grouped = [batch, groups, mulDim(channels / groups, time)];
    const { normal, inverse } = normalize(x!.reshape(grouped), 2, epsilon);
    const scaled = () => g!.mul(scale!.reshape([channels, 1])).reshape(grouped);
    return [
      needed[0] ? throughNormal(scaled(), normal, inverse, 2).reshape(x!.shape) : undefined,
      needed[1] ? g!.mul(normal.reshape(x!.shape)).sum([0, 2]) : undefined,
      needed[2] ? g!.sum([0, 2]) : undefined,
    ];
  },
});

interface Reduction {
  readonly axis: number | readonly number[];
  readonly keepDims: boolean;
}

/** The gradient of x, given that of the result in a shape that broadcasts against x. */
type ReductionRule = (g: Tensor, x: Tensor, y: Tensor, axes: readonly number[]) => Tensor;

const axesOf = (axis: Reduction["axis"], rank: number): number[] =>
  (typeof axis === "number" ? [axis] : axis).map((a) => normalizeAxis(a, rank));

const reduction = (name: string, onnx: string, rule: ReductionRule) =>
  defineOp<Reduction>({
    name,
    infer([x], { axis, keepDims }) {
      const axes = axesOf(axis, x!.shape.length);
      const shape = keepDims
        ? x!.shape.map((d, i) => (axes.includes(i) ? 1 : d))
        : x!.shape.filter((_, i) => !axes.includes(i));
      return [{ dtype: x!.dtype, shape }];
    },
    emit: (e, [x], { axis, keepDims }) =>
      e.node(onnx, [x!.value, e.int64(axesOf(axis, x!.shape.length))], { keepdims: keepDims ? 1 : 0 }),
    gradient({ inputs: [x], outputs: [y], attributes: { axis } }, g) {
      const axes = axesOf(axis, x!.shape.length);
      const kept = x!.shape.map((d, i) => (axes.includes(i) ? 1 : d));
      return [rule(g!.reshape(kept), x!, y!.reshape(kept), axes)];
    },
  });

export const mean = reduction("mean", "ReduceMean", (g, x, _, axes) =>
  g.div(x.graph.size(product(axes.map((a) => x.dim(a))))).expand(x.shape),
);
/** Equal largest values share the gradient. */
export const max = reduction("max", "ReduceMax", (g, x, y, axes) => {
  const largest = x.less(y).where(0, 1);
  return largest.mul(g.div(largest.sum(axes, true)));
});
export const sum = reduction("sum", "ReduceSum", (g, x) => g.expand(x.shape));
export const sumSquares = reduction("sumSquares", "ReduceSumSquare", (g, x) => x.mul(g.mul(2)));

/** Indices (int64) of the largest value along an axis, the first one on ties. */
export const argMax = defineOp<{ axis: number }>({
  name: "argMax",
  infer([x], { axis }) {
    const a = normalizeAxis(axis, x!.shape.length);
    return [{ dtype: "int64", shape: x!.shape.filter((_, i) => i !== a) }];
  },
  emit: (e, [x], { axis }) => e.node("ArgMax", [x!.value], { axis, keepdims: 0 }),
});

/** The k smallest values along the last axis, ascending, and their indices (int64); the lower index wins a tie. */
export const smallest = defineOp<{ k: number }>({
  name: "smallest",
  infer([x], { k }) {
    const lead = x!.shape.slice(0, -1);
    return [
      { dtype: "float32", shape: [...lead, k] },
      { dtype: "int64", shape: [...lead, k] },
    ];
  },
  emit: (e, [x], { k }) => e.node("TopK", [x!.value, e.int64([k])], { axis: -1, largest: 0, sorted: 1 }, 2),
});
