/** Operators that move values without computing: reshape, transpose, slice, concat, gather, pad, expand. */
import { addDim, type Dim, exactDivide, formatShape, product, type Shape, sameDim, sameShape, subDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import { defineOp } from "./definition.ts";

export const normalizeAxis = (axis: number, rank: number): number => {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= rank) throw new GraphError(`axis ${axis} of a tensor with ${rank} axes`);
  return a;
};

/** One dimension may be -1: it is what remains. */
export const reshape = defineOp<{ shape: Shape }>({
  name: "reshape",
  infer([x], { shape }) {
    const total = product(x!.shape);
    const open = shape.indexOf(-1);
    const known = product(shape.filter((_, i) => i !== open));
    if (open < 0) {
      if (!sameDim(total, known))
        throw new GraphError(`${formatShape(x!.shape)} has not the size of ${formatShape(shape)}`);
      return [{ dtype: x!.dtype, shape }];
    }
    const rest = exactDivide(total, known);
    if (rest === undefined) throw new GraphError(`${formatShape(x!.shape)} does not divide into ${formatShape(shape)}`);
    return [{ dtype: x!.dtype, shape: shape.map((d, i) => (i === open ? rest : d)) }];
  },
  emit: (e, [x], _, [out]) => e.node("Reshape", [x!.value, e.reshapeTarget(x!.shape, out!.shape)]),
});

export const transpose = defineOp<{ permutation: readonly number[] }>({
  name: "transpose",
  infer([x], { permutation }) {
    const rank = x!.shape.length;
    if (
      permutation.length !== rank ||
      new Set(permutation).size !== rank ||
      permutation.some((p) => p < 0 || p >= rank)
    ) {
      throw new GraphError(`permutation [${permutation}] of ${rank} axes`);
    }
    return [{ dtype: x!.dtype, shape: permutation.map((p) => x!.shape[p] as Dim) }];
  },
  emit: (e, [x], { permutation }) => e.node("Transpose", [x!.value], { perm: [...permutation] }),
});

/** x[start:end] along one axis; `end` may be a symbolic dimension. */
export const slice = defineOp<{ axis: number; start: Dim; end: Dim }>({
  name: "slice",
  infer([x], a) {
    const axis = normalizeAxis(a.axis, x!.shape.length);
    const size = x!.shape[axis] as Dim;
    if (typeof size === "number" && typeof a.end === "number" && a.end > size) {
      throw new GraphError(`slice to ${a.end} of an axis of ${size}`);
    }
    const length = subDim(a.end, a.start);
    const negative = [a.start, a.end, length].some((d) => typeof d === "number" && d < 0);
    if (negative) throw new GraphError(`slice from ${a.start} to ${a.end}: both count from the start of the axis`);
    return [
      {
        dtype: x!.dtype,
        shape: x!.shape.map((d, i) => (i === axis ? length : d)),
      },
    ];
  },
  emit: (e, [x], a) =>
    e.node("Slice", [x!.value, e.dims([a.start]), e.dims([a.end]), e.int64([normalizeAxis(a.axis, x!.shape.length)])]),
});

export const concat = defineOp<{ axis: number }>({
  name: "concat",
  infer(inputs, a) {
    const first = inputs[0]!;
    const axis = normalizeAxis(a.axis, first.shape.length);
    let size: Dim = 0;
    for (const t of inputs) {
      const matches =
        t.dtype === first.dtype &&
        t.shape.length === first.shape.length &&
        t.shape.every((d, i) => i === axis || sameDim(d, first.shape[i] as Dim));
      if (!matches)
        throw new GraphError(`${formatShape(t.shape)} does not join ${formatShape(first.shape)} on axis ${axis}`);
      size = addDim(size, t.shape[axis] as Dim);
    }
    return [
      {
        dtype: first.dtype,
        shape: first.shape.map((d, i) => (i === axis ? size : d)),
      },
    ];
  },
  emit: (e, inputs, { axis }) =>
    e.node(
      "Concat",
      inputs.map((t) => t.value),
      { axis },
    ),
});

/** Rows of a table: table [n, ...rest], indices of any shape → [...indices, ...rest]; or along another axis. */
export const gather = defineOp<{ axis: number }>({
  name: "gather",
  infer([table, indices], a) {
    const axis = normalizeAxis(a.axis, table!.shape.length);
    if (indices!.dtype !== "int32" && indices!.dtype !== "int64") throw new GraphError(`indices are ${indices!.dtype}`);
    return [
      {
        dtype: table!.dtype,
        shape: [...table!.shape.slice(0, axis), ...indices!.shape, ...table!.shape.slice(axis + 1)],
      },
    ];
  },
  emit: (e, [table, indices], { axis }) => e.node("Gather", [table!.value, indices!.value], { axis }),
});

/** Adds `before` and `after` values along one axis: zeros, or a reflection that leaves the edge value out. */
export const pad = defineOp<{
  axis: number;
  before: number;
  after: number;
  mode: "constant" | "reflect";
}>({
  name: "pad",
  infer([x], a) {
    const axis = normalizeAxis(a.axis, x!.shape.length);
    return [
      {
        dtype: x!.dtype,
        shape: x!.shape.map((d, i) => (i === axis ? addDim(d, a.before + a.after) : d)),
      },
    ];
  },
  emit(e, [x], a) {
    const rank = x!.shape.length;
    const axis = normalizeAxis(a.axis, rank);
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = a.before;
    pads[rank + axis] = a.after;
    return e.node("Pad", [x!.value, e.int64(pads)], { mode: a.mode });
  },
});

export const expand = defineOp<{ shape: Shape }>({
  name: "expand",
  infer([x], { shape }) {
    const rank = shape.length;
    const offset = rank - x!.shape.length;
    const fits = offset >= 0 && x!.shape.every((d, i) => d === 1 || sameDim(d, shape[i + offset] as Dim));
    if (!fits) throw new GraphError(`${formatShape(x!.shape)} does not expand to ${formatShape(shape)}`);
    return [{ dtype: x!.dtype, shape }];
  },
  emit: (e, [x], { shape }) => (sameShape(x!.shape, shape) ? [x!.value] : e.node("Expand", [x!.value, e.dims(shape)])),
});
