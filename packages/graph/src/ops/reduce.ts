/** Operators along an axis: normalisations, softmax, means, searches. */
import { type Dim, exactDivide, sameDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import { defineOp } from "./definition.ts";
import { normalizeAxis } from "./shape.ts";

export const softmax = defineOp<{ axis: number }>({
  name: "softmax",
  infer: ([x], { axis }) => {
    normalizeAxis(axis, x!.shape.length);
    return [{ dtype: "float32", shape: x!.shape }];
  },
  emit: (e, [x], { axis }) => e.node("Softmax", [x!.value], { axis }),
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
});

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
});

const reduction = (name: string, onnx: string) =>
  defineOp<{ axis: number; keepDims: boolean }>({
    name,
    infer([x], { axis, keepDims }) {
      const a = normalizeAxis(axis, x!.shape.length);
      const shape = keepDims ? x!.shape.map((d, i) => (i === a ? 1 : d)) : x!.shape.filter((_, i) => i !== a);
      return [{ dtype: x!.dtype, shape }];
    },
    emit(e, [x], { axis, keepDims }) {
      const axes = e.int64([normalizeAxis(axis, x!.shape.length)]);
      return e.node(onnx, [x!.value, axes], { keepdims: keepDims ? 1 : 0 });
    },
  });

export const mean = reduction("mean", "ReduceMean");
export const max = reduction("max", "ReduceMax");
export const sum = reduction("sum", "ReduceSum");
export const sumSquares = reduction("sumSquares", "ReduceSumSquare");

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
