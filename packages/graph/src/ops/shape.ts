/** Operators that move values without computing: reshape, transpose, slice, concat, gather, pad, expand. */
import {
  addDim,
  type Dim,
  exactDivide,
  formatShape,
  mulDim,
  product,
  type Shape,
  sameDim,
  sameShape,
  subDim,
} from "../dim.ts";
import { GraphError } from "../errors.ts";
import { defineOp } from "./definition.ts";
import { sumTo } from "./elementwise.ts";

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
  gradient: ({ inputs: [x] }, g) => [g!.reshape(x!.shape)],
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
  gradient: ({ attributes: { permutation } }, g) => [
    g!.transpose(...permutation.map((_, i) => permutation.indexOf(i))),
  ],
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
  gradient: ({ inputs: [x], attributes: { axis, start, end } }, g) => [
    { kind: "slice", axis: normalizeAxis(axis, x!.shape.length), start, end, value: g! },
  ],
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
  gradient({ inputs, attributes: { axis } }, g) {
    let end: Dim = 0;
    return inputs.map((t) => {
      const start = end;
      end = addDim(start, t.dim(axis));
      return g!.slice(axis, start, end);
    });
  },
});

/** Every `step`-th value from `start` along one axis, `count` of them: the windows of a convolution, place by place. */
export const stride = defineOp<{ axis: number; start: number; step: number; count: Dim }>({
  name: "stride",
  infer: ([x], { axis, count }) => [{ dtype: x!.dtype, shape: x!.shape.map((d, i) => (i === axis ? count : d)) }],
  emit(e, [x], { axis, start, step, count }) {
    const end = addDim(mulDim(subDim(count, 1), step), start + 1);
    return e.node("Slice", [x!.value, e.int64([start]), e.dims([end]), e.int64([axis]), e.int64([step])]);
  },
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
  gradient: ({ inputs: [table, indices], attributes: { axis } }, g) => [
    { kind: "rows", axis: normalizeAxis(axis, table!.shape.length), indices: indices!, value: g! },
    undefined,
  ],
});

/**
 * The sum of `values` [...before, ...indices, ...after] by their index: [...before, size, ...after], zero where no index
 * points. By ScatterElements: the CPU provider loses updates in ScatterND with more than one thread.
 */
export const scatterRows = defineOp<{ axis: number; size: Dim }>({
  name: "scatterRows",
  infer([values, indices], { axis, size }) {
    const rank = indices!.shape.length;
    if (!sameShape(values!.shape.slice(axis, axis + rank), indices!.shape))
      throw new GraphError(`indices ${formatShape(indices!.shape)} do not name rows of ${formatShape(values!.shape)}`);
    return [{ dtype: "float32", shape: [...values!.shape.slice(0, axis), size, ...values!.shape.slice(axis + rank)] }];
  },
  emit(e, [values, indices], { axis, size }, [out]) {
    const before = product(values!.shape.slice(0, axis));
    const count = product(indices!.shape);
    const after = product(values!.shape.slice(axis + indices!.shape.length));
    const flat = [before, count, after];
    const [updates] = e.node("Reshape", [values!.value, e.dims(flat)]);
    const [column] = e.node("Reshape", [indices!.value, e.int64([1, -1, 1])]);
    const [places] = e.node("Expand", [column!, e.dims(flat)]);
    const [zeros] = e.node("Expand", [e.constant(new Float32Array(1), []), e.dims([before, size, after])]);
    const [sum] = e.node("ScatterElements", [zeros!, places!, updates!], { axis: 1, reduction: "add" });
    return e.node("Reshape", [sum!, e.dims(out!.shape)]);
  },
});

/** A dimension as a number, float32 []. */
export const size = defineOp<{ dim: Dim }>({
  name: "size",
  infer: () => [{ dtype: "float32", shape: [] }],
  emit(e, _, { dim }) {
    const [value] = e.shared("Cast", [e.dims([dim])], { to: e.elementType("float32") });
    return e.shared("Reshape", [value!, e.int64([])]);
  },
});

/** Adds `before` and `after` values along one axis: zeros, or a reflection that leaves the edge value out. */
export const pad = defineOp<{
  axis: number;
  before: Dim;
  after: Dim;
  mode: "constant" | "reflect";
}>({
  name: "pad",
  infer([x], a) {
    const axis = normalizeAxis(a.axis, x!.shape.length);
    return [
      {
        dtype: x!.dtype,
        shape: x!.shape.map((d, i) => (i === axis ? addDim(d, addDim(a.before, a.after)) : d)),
      },
    ];
  },
  emit(e, [x], a) {
    const rank = x!.shape.length;
    const axis = normalizeAxis(a.axis, rank);
    const pads = new Array<Dim>(2 * rank).fill(0);
    pads[axis] = a.before;
    pads[rank + axis] = a.after;
    return e.node("Pad", [x!.value, e.dims(pads)], { mode: a.mode });
  },
  gradient({ inputs: [x], attributes: { axis, before, after, mode } }, g) {
    const n = x!.dim(axis);
    const inner = g!.slice(axis, before, addDim(before, n));
    if (mode === "constant") return [inner];
    if (typeof before !== "number" || typeof after !== "number")
      throw new GraphError("a reflection of symbolic length has no gradient");
    // what was reflected goes back to where it came from: the edge value itself was not repeated
    const mirrored = (start: Dim, count: number, at: Dim) =>
      g!
        .slice(axis, start, addDim(start, count))
        .flip(axis)
        .pad(axis, at, subDim(n, addDim(at, count)));
    let sum = inner;
    if (before > 0) sum = sum.add(mirrored(0, before, 1));
    if (after > 0) sum = sum.add(mirrored(addDim(before, n), after, subDim(n, 1 + after)));
    return [sum];
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
  gradient: ({ inputs: [x] }, g) => [sumTo(g!, x!.shape)],
});
