/** Element by element operators, with NumPy broadcasting for those of two inputs. */
import { type Dim, formatShape, type Shape, sameDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import type { DType, TensorType } from "../graph.ts";
import type { Tensor } from "../tensor.ts";
import { defineOp, type OpDefinition } from "./definition.ts";

/** Sums a gradient over the axes along which a value of `shape` was broadcast. */
export function sumTo(g: Tensor, shape: Shape): Tensor {
  const extra = g.shape.length - shape.length;
  const axes = g.shape.flatMap((d, i) => (i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : []));
  if (axes.length === 0) return g;
  return g.sum(axes, true).reshape(shape);
}

export function broadcast(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i): Dim => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === 1) return y;
    if (y === 1 || sameDim(x, y)) return x;
    throw new GraphError(`shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`);
  });
}

const requireType = (t: TensorType, ...allowed: DType[]): void => {
  if (!allowed.includes(t.dtype)) throw new GraphError(`needs ${allowed.join(" or ")}, got ${t.dtype}`);
};

/** Gradients of both operands before they are summed to the operands' shapes. */
type BinaryRule = (g: Tensor, a: Tensor, b: Tensor, y: Tensor) => readonly [() => Tensor, () => Tensor];

function binary(name: string, onnx: string, rule?: BinaryRule, result?: DType): OpDefinition<undefined> {
  return defineOp<undefined>({
    name,
    infer([a, b]) {
      if (!a || !b) throw new GraphError("needs two inputs");
      if (a.dtype !== b.dtype) throw new GraphError(`types differ: ${a.dtype} and ${b.dtype}`);
      return [{ dtype: result ?? a.dtype, shape: broadcast(a.shape, b.shape) }];
    },
    emit: (e, [a, b]) => e.node(onnx, [a!.value, b!.value]),
    ...(rule && {
      gradient({ inputs: [a, b], outputs: [y], needed }, g) {
        return rule(g!, a!, b!, y!).map((f, i) => (needed[i] ? sumTo(f(), (i === 0 ? a! : b!).shape) : undefined));
      },
    }),
  });
}

/** The gradient of x, given that of y = f(x). */
type UnaryRule<A> = (g: Tensor, x: Tensor, y: Tensor, attributes: A) => Tensor;

function unary<A = undefined>(
  name: string,
  onnx: string,
  rule: UnaryRule<A> | undefined,
  attributes: (a: A) => Record<string, number | string> = () => ({}),
): OpDefinition<A> {
  return defineOp<A>({
    name,
    infer([x]) {
      requireType(x!, "float32");
      return [{ dtype: "float32", shape: x!.shape }];
    },
    emit: (e, [x], a) => e.node(onnx, [x!.value], attributes(a)),
    ...(rule && { gradient: ({ inputs: [x], outputs: [y], attributes: a }, g) => [rule(g!, x!, y!, a)] }),
  });
}

export const add = binary("add", "Add", (g) => [() => g, () => g]);
export const sub = binary("sub", "Sub", (g) => [() => g, () => g.mul(-1)]);
export const mul = binary("mul", "Mul", (g, a, b) => [() => g.mul(b), () => g.mul(a)]);
export const div = binary("div", "Div", (g, _, b, y) => [() => g.div(b), () => g.mul(y).div(b).mul(-1)]);
export const less = binary("less", "Less", undefined, "bool");

export const exp = unary("exp", "Exp", (g, _, y) => g.mul(y));
export const log = unary("log", "Log", (g, x) => g.div(x));
export const sin = unary("sin", "Sin", (g, x) => g.mul(x.cos()));
export const cos = unary("cos", "Cos", (g, x) => g.mul(x.sin()).mul(-1));
export const tanh = unary("tanh", "Tanh", (g, _, y) => g.sub(g.mul(y).mul(y)));
export const sigmoid = unary("sigmoid", "Sigmoid", (g, _, y) => g.mul(y.sub(y.mul(y))));
/** −1, 0 or 1; its gradient is zero. */
export const sign = unary("sign", "Sign", undefined);
export const abs = unary("abs", "Abs", (g, x) => g.mul(x.sign()));
export const sqrt = unary("sqrt", "Sqrt", (g, _, y) => g.div(y).mul(0.5));
export const softplus = unary("softplus", "Softplus", (g, x) => g.mul(x.sigmoid()));
export const erf = unary("erf", "Erf", (g, x) => g.mul(x.mul(x).mul(-1).exp()).mul(2 / Math.sqrt(Math.PI)));
/** The exact form, x·Φ(x), by the error function. Its derivative is Φ(x) + x·φ(x). */
export const gelu = unary("gelu", "Gelu", (g, x) => {
  const u = x.mul(Math.SQRT1_2);
  const density = u
    .mul(u)
    .mul(-1)
    .exp()
    .mul(u)
    .mul(1 / Math.sqrt(Math.PI));
  return g.mul(u.erf().mul(0.5).add(0.5).add(density));
});
/** ELU with alpha 1. */
export const elu = unary("elu", "Elu", (g, x, y) => x.less(0).where(g.add(g.mul(y)), g));
export const leakyRelu = unary<{ slope: number }>(
  "leakyRelu",
  "LeakyRelu",
  (g, x, _, { slope }) => x.less(0).where(g.mul(slope), g),
  (a) => ({ alpha: a.slope }),
);

/** The same values, through which no gradient passes. */
export const detach = unary("detach", "Identity", undefined);

/** x limited to [minimum, maximum]. */
export const clamp = defineOp<{
  minimum?: number | undefined;
  maximum?: number | undefined;
}>({
  name: "clamp",
  infer([x]) {
    requireType(x!, "float32");
    return [{ dtype: "float32", shape: x!.shape }];
  },
  emit(e, [x], a) {
    const bound = (v: number | undefined) => (v === undefined ? "" : e.constant(new Float32Array([v]), []));
    return e.node("Clip", [x!.value, bound(a.minimum), bound(a.maximum)]);
  },
  // zero outside the limits; at a limit the gradient passes, as in PyTorch
  gradient({ inputs: [x], attributes: { minimum, maximum } }, g) {
    let passed = g!;
    if (minimum !== undefined) passed = x!.less(minimum).where(0, passed);
    if (maximum !== undefined) passed = x!.graph.constant(maximum).less(x!).where(0, passed);
    return [passed];
  },
});

export const cast = defineOp<{ to: DType }>({
  name: "cast",
  infer: ([x], { to }) => [{ dtype: to, shape: x!.shape }],
  emit: (e, [x], { to }) => e.node("Cast", [x!.value], { to: e.elementType(to) }),
});

/** condition ? a : b. */
export const where = defineOp<undefined>({
  name: "where",
  infer([c, a, b]) {
    requireType(c!, "bool");
    if (a!.dtype !== b!.dtype) throw new GraphError(`types differ: ${a!.dtype} and ${b!.dtype}`);
    return [
      {
        dtype: a!.dtype,
        shape: broadcast(c!.shape, broadcast(a!.shape, b!.shape)),
      },
    ];
  },
  emit: (e, [c, a, b]) => e.node("Where", [c!.value, a!.value, b!.value]),
  gradient: ({ inputs: [c, a, b], needed }, g) => [
    undefined,
    needed[1] ? sumTo(c!.where(g!, 0), a!.shape) : undefined,
    needed[2] ? sumTo(c!.where(0, g!), b!.shape) : undefined,
  ],
});
