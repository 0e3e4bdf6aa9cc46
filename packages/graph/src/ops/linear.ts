/** Matrix products and convolutions: where the time goes. */
import { addDim, type Dim, floorDivDim, formatShape, mulDim, sameDim, sameShape, subDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import type { Tensor } from "../tensor.ts";
import { defineOp } from "./definition.ts";
import { broadcast, sumTo } from "./elementwise.ts";

/** a [..., m, k] · b [..., k, n] with broadcasting of the leading axes. */
export const matmul = defineOp<undefined>({
  name: "matmul",
  infer([a, b]) {
    const [ra, rb] = [a!.shape.length, b!.shape.length];
    if (ra < 2 || rb < 2) throw new GraphError("needs matrices");
    if (!sameDim(a!.shape[ra - 1] as Dim, b!.shape[rb - 2] as Dim)) {
      throw new GraphError(`inner sizes differ: ${formatShape(a!.shape)} · ${formatShape(b!.shape)}`);
    }
    const lead = broadcast(a!.shape.slice(0, -2), b!.shape.slice(0, -2));
    return [
      {
        dtype: "float32",
        shape: [...lead, a!.shape[ra - 2] as Dim, b!.shape[rb - 1] as Dim],
      },
    ];
  },
  emit: (e, [a, b]) => e.node("MatMul", [a!.value, b!.value]),
  gradient: ({ inputs: [a, b], needed }, g) => [
    needed[0] ? sumTo(g!.matmul(swapped(b!)), a!.shape) : undefined,
    needed[1] ? sumTo(swapped(a!).matmul(g!), b!.shape) : undefined,
  ],
});

/** Each matrix transposed. */
function swapped(x: Tensor): Tensor {
  const rank = x.shape.length;
  return x.transpose(...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2);
}

/**
 * Σ over all rows of a [..., m] and b [..., n] of their outer products, · alpha → [m, n]: the gradient of a weight. One
 * Gemm over the rows as they lie.
 */
export const rowProducts = defineOp<{ alpha: number }>({
  name: "rowProducts",
  infer([a, b]) {
    if (!sameShape(a!.shape.slice(0, -1), b!.shape.slice(0, -1)))
      throw new GraphError(`rows differ: ${formatShape(a!.shape)} and ${formatShape(b!.shape)}`);
    return [{ dtype: "float32", shape: [a!.shape.at(-1) as Dim, b!.shape.at(-1) as Dim] }];
  },
  emit(e, inputs, { alpha }) {
    const flat = inputs.map((t) =>
      t.shape.length === 2 ? t.value : e.shared("Reshape", [t.value, e.int64([-1, t.shape.at(-1) as number])])[0]!,
    );
    return e.node("Gemm", flat, { transA: 1, alpha });
  },
});

/**
 * x [..., in] · weightᵀ + bias, weight [out, in] as PyTorch stores it, bias [out] optional.
 * Emitted as Gemm with a transposed second operand, so that the stored weight is used as it lies in the file.
 */
export const linear = defineOp<{ alpha?: number }>({
  name: "linear",
  infer([x, weight, bias]) {
    const [out, inner] = weight!.shape;
    const last = x!.shape.at(-1) as Dim;
    if (weight!.shape.length !== 2 || !sameDim(inner as Dim, last)) {
      throw new GraphError(`weight ${formatShape(weight!.shape)} does not apply to a last axis of ${last}`);
    }
    if (bias && !(bias.shape.length === 1 && sameDim(bias.shape[0] as Dim, out as Dim))) {
      throw new GraphError(`bias ${formatShape(bias.shape)} for ${out} outputs`);
    }
    return [{ dtype: "float32", shape: [...x!.shape.slice(0, -1), out as Dim] }];
  },
  emit(e, [x, weight, bias], { alpha = 1 }, [out]) {
    const quantized = weight!.parameter && alpha === 1 ? e.quantizedWeight(weight!.parameter) : undefined;
    if (quantized) return [e.quantizedLinear(x!.value, quantized, bias?.value)];
    const inner = x!.shape.at(-1) as number;
    const flat = x!.shape.length === 2 ? x!.value : e.node("Reshape", [x!.value, e.int64([-1, inner])])[0]!;
    const inputs = bias ? [flat, weight!.value, bias.value] : [flat, weight!.value];
    const [y] = e.node("Gemm", inputs, { transB: 1, alpha });
    return x!.shape.length === 2 ? [y!] : e.node("Reshape", [y!, e.dims(out!.shape)]);
  },
  gradient({ inputs: [x, weight, bias], attributes: { alpha = 1 }, needed }, g) {
    const through = () => (alpha === 1 ? g! : g!.mul(alpha)).matmul(weight!);
    return [
      needed[0] ? through() : undefined,
      needed[1] ? g!.rowProducts(x!, alpha) : undefined,
      bias && needed[2] ? sumTo(g!, bias.shape) : undefined,
    ];
  },
});

export interface ConvolutionAttributes {
  readonly stride?: number;
  readonly dilation?: number;
  /** Zeros before and after. */
  readonly padding?: readonly [number, number];
  readonly groups?: number;
}

/** x [batch, in, time], weight [out, in / groups, kernel], bias [out] → [batch, out, time']. */
export const conv1d = defineOp<ConvolutionAttributes>({
  name: "conv1d",
  infer([x, weight, bias], { stride = 1, dilation = 1, padding = [0, 0], groups = 1 }) {
    const [batch, channels, time] = x!.shape as [Dim, Dim, Dim];
    const [out, inner, kernel] = weight!.shape as [number, number, number];
    if (x!.shape.length !== 3 || weight!.shape.length !== 3 || !sameDim(channels, inner * groups)) {
      throw new GraphError(
        `weight ${formatShape(weight!.shape)} in ${groups} groups does not apply to ${formatShape(x!.shape)}`,
      );
    }
    if (bias && !sameDim(bias.shape[0] as Dim, out))
      throw new GraphError(`bias ${formatShape(bias.shape)} for ${out} channels`);
    const span = subDim(addDim(time, padding[0] + padding[1]), dilation * (kernel - 1) + 1);
    return [
      {
        dtype: "float32",
        shape: [batch, out, addDim(floorDivDim(span, stride), 1)],
      },
    ];
  },
  emit: (e, inputs, { stride = 1, dilation = 1, padding = [0, 0], groups = 1 }) =>
    e.node(
      "Conv",
      inputs.map((t) => t.value),
      {
        kernel_shape: [inputs[1]!.shape[2] as number],
        strides: [stride],
        dilations: [dilation],
        pads: [...padding],
        group: groups,
      },
    ),
  gradient({ inputs: [x, weight, bias], attributes, needed }, g) {
    const { stride = 1, dilation = 1, padding = [0, 0], groups = 1 } = attributes;
    if (groups !== 1) throw new GraphError("a convolution in groups has no gradient rule");
    const [out, inner, kernel] = weight!.shape as [number, number, number];
    const [before, after] = padding;
    return [
      needed[0] ? conv1dInputGradient(g!, x!, weight!, { stride, dilation, padding }) : undefined,
      needed[1]
        ? g!
            .transpose(0, 2, 1)
            .rowProducts(windows(x!.pad(2, before, after), kernel, stride, dilation, g!.dim(2)))
            .reshape([out, kernel, inner])
            .transpose(0, 2, 1)
        : undefined,
      bias && needed[2] ? g!.sum([0, 2]) : undefined,
    ];
  },
});

/**
 * A convolution of the output's gradient with the kernel turned round. With a stride, zeros lie between its values; that
 * is a transposed convolution.
 */
function conv1dInputGradient(
  g: Tensor,
  x: Tensor,
  weight: Tensor,
  {
    stride,
    dilation,
    padding: [before, after],
  }: { stride: number; dilation: number; padding: readonly [number, number] },
): Tensor {
  const reach = dilation * ((weight.dim(2) as number) - 1);
  const time = x.dim(2);
  if (stride === 1) {
    const turned = weight.flip(2).transpose(1, 0, 2);
    const [left, right] = [reach - before, reach - after];
    // a negative padding cuts
    const whole = g.conv1d(turned, undefined, { dilation, padding: [Math.max(left, 0), Math.max(right, 0)] });
    return left >= 0 && right >= 0 ? whole : whole.slice(2, Math.max(-left, 0), addDim(Math.max(-left, 0), time));
  }
  // values of x past the last window have no part in the result
  const whole = g.convTranspose1d(weight, undefined, { stride, padding: 0, dilation });
  const padded = addDim(time, before + after);
  const missing = subDim(padded, whole.dim(2));
  return (missing === 0 ? whole : whole.pad(2, 0, missing)).slice(2, before, addDim(before, time));
}

/** The values under each window: x [batch, channels, time] → [batch, count, kernel · channels]. */
function windows(x: Tensor, kernel: number, stride: number, dilation: number, count: Dim): Tensor {
  const rows = x.transpose(0, 2, 1);
  const [first, ...others] = Array.from({ length: kernel }, (_, k) => rows.stride(1, k * dilation, stride, count));
  return others.length === 0 ? (first as Tensor) : (first as Tensor).concat(2, ...others);
}

/** x [batch, in, time], weight [in, out, kernel], bias [out] → [batch, out, (time − 1)·stride + kernel − 2·padding]. */
export const convTranspose1d = defineOp<{ stride: number; padding: number; dilation?: number }>({
  name: "convTranspose1d",
  infer([x, weight, bias], { stride, padding, dilation = 1 }) {
    const [batch, channels, time] = x!.shape as [Dim, Dim, Dim];
    const [inner, out, kernel] = weight!.shape as [number, number, number];
    if (x!.shape.length !== 3 || weight!.shape.length !== 3 || !sameDim(channels, inner)) {
      throw new GraphError(`weight ${formatShape(weight!.shape)} does not apply to ${formatShape(x!.shape)}`);
    }
    if (bias && !sameDim(bias.shape[0] as Dim, out))
      throw new GraphError(`bias ${formatShape(bias.shape)} for ${out} channels`);
    return [
      {
        dtype: "float32",
        shape: [batch, out, addDim(mulDim(subDim(time, 1), stride), dilation * (kernel - 1) + 1 - 2 * padding)],
      },
    ];
  },
  emit: (e, inputs, { stride, padding, dilation = 1 }) =>
    e.node(
      "ConvTranspose",
      inputs.map((t) => t.value),
      {
        kernel_shape: [inputs[1]!.shape[2] as number],
        strides: [stride],
        dilations: [dilation],
        pads: [padding, padding],
      },
    ),
  gradient({ inputs: [x, weight, bias], attributes: { stride, padding, dilation = 1 }, needed }, g) {
    const [inner, out, kernel] = weight!.shape as [number, number, number];
    return [
      // the stored weight [in, out, kernel] is that of the convolution back
      needed[0] ? g!.conv1d(weight!, undefined, { stride, dilation, padding: [padding, padding] }) : undefined,
      needed[1]
        ? x!
            .transpose(0, 2, 1)
            .rowProducts(windows(g!.pad(2, padding, padding), kernel, stride, dilation, x!.dim(2)))
            .reshape([inner, kernel, out])
            .transpose(0, 2, 1)
        : undefined,
      bias && needed[2] ? g!.sum([0, 2]) : undefined,
    ];
  },
});
