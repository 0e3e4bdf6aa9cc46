/** Matrix products and convolutions: where the time goes. */
import { addDim, type Dim, floorDivDim, formatShape, mulDim, sameDim, subDim } from "../dim.ts";
import { GraphError } from "../errors.ts";
import { defineOp } from "./definition.ts";
import { broadcast } from "./elementwise.ts";

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
});

/** x [batch, in, time], weight [in, out, kernel], bias [out] → [batch, out, (time − 1)·stride + kernel − 2·padding]. */
export const convTranspose1d = defineOp<{ stride: number; padding: number }>({
  name: "convTranspose1d",
  infer([x, weight, bias], { stride, padding }) {
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
        shape: [batch, out, addDim(mulDim(subDim(time, 1), stride), kernel - 2 * padding)],
      },
    ];
  },
  emit: (e, inputs, { stride, padding }) =>
    e.node(
      "ConvTranspose",
      inputs.map((t) => t.value),
      {
        kernel_shape: [inputs[1]!.shape[2] as number],
        strides: [stride],
        pads: [padding, padding],
      },
    ),
});
