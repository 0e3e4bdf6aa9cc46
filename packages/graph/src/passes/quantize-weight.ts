/**
 * Symmetric int8 quantisation of a linear layer's weight, one scale an output channel.
 *
 * Processors without VNNI add u8×s8 products in pairs in 16 bits, where two of 8 bits may saturate. The native runtime
 * is told to avoid that (`x64quantprecision`); with 7 bits the values stay in ±63 and it cannot happen in any runtime
 * (255 · 63 · 2 < 2^15).
 */

import { GraphError } from "../errors.ts";
import { toFloat32 } from "../float16.ts";
import type { ParameterData } from "../graph.ts";

export async function quantizeWeight(
  data: ParameterData,
  bits: 7 | 8,
): Promise<{ values: Int8Array; scales: Float32Array }> {
  const { dtype } = data;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16" && dtype !== "F64")
    throw new GraphError(`cannot quantise ${dtype} weights`);
  const weight = toFloat32(await data.read(), dtype);
  const [out, inner] = data.shape as [number, number];
  const limit = bits === 7 ? 63 : 127;
  const values = new Int8Array(out * inner);
  const scales = new Float32Array(out);
  for (let o = 0; o < out; o++) {
    const row = weight.subarray(o * inner, (o + 1) * inner);
    let largest = 0;
    for (let i = 0; i < inner; i++) largest = Math.max(largest, Math.abs(row[i] as number));
    const scale = largest > 0 ? largest / limit : 1;
    scales[o] = scale;
    const inverse = 1 / scale;
    for (let i = 0, at = o; i < inner; i++, at += out) values[at] = Math.round((row[i] as number) * inverse);
  }
  return { values, scales };
}
