/** Element by element operators, with NumPy broadcasting for those of two inputs. */
import { type Dim, formatShape, type Shape, sameDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import type { DType, TensorType } from "../graph.ts";
import { defineOp, type OpDefinition } from "./definition.ts";

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

function binary(name: string, onnx: string, result?: DType): OpDefinition<undefined> {
  return defineOp({
    name,
    infer([a, b]) {
      if (!a || !b) throw new GraphError("needs two inputs");
      if (a.dtype !== b.dtype) throw new GraphError(`types differ: ${a.dtype} and ${b.dtype}`);
      return [{ dtype: result ?? a.dtype, shape: broadcast(a.shape, b.shape) }];
    },
    emit: (e, [a, b]) => e.node(onnx, [a!.value, b!.value]),
  });
}

function unary<A = undefined>(
  name: string,
  onnx: string,
  attributes: (a: A) => Record<string, number | string> = () => ({}),
): OpDefinition<A> {
  return defineOp({
    name,
    infer([x]) {
      requireType(x!, "float32");
      return [{ dtype: "float32", shape: x!.shape }];
    },
    emit: (e, [x], a) => e.node(onnx, [x!.value], attributes(a)),
  });
}

export const add = binary("add", "Add");
export const sub = binary("sub", "Sub");
export const mul = binary("mul", "Mul");
export const div = binary("div", "Div");
export const less = binary("less", "Less", "bool");

export const exp = unary("exp", "Exp");
export const log = unary("log", "Log");
export const sin = unary("sin", "Sin");
export const cos = unary("cos", "Cos");
export const tanh = unary("tanh", "Tanh");
export const sigmoid = unary("sigmoid", "Sigmoid");
export const abs = unary("abs", "Abs");
export const sqrt = unary("sqrt", "Sqrt");
export const softplus = unary("softplus", "Softplus");
/** The exact form, x·Φ(x), by the error function. */
export const gelu = unary("gelu", "Gelu");
/** ELU with alpha 1. */
export const elu = unary("elu", "Elu");
export const leakyRelu = unary<{ slope: number }>("leakyRelu", "LeakyRelu", (a) => ({ alpha: a.slope }));

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
});
