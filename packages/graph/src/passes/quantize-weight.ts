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
  const rows = quantizeRows(weight, out, bits);
  const values = new Int8Array(out * inner);
  for (let o = 0, from = 0; o < out; o++)
    for (let i = 0, at = o; i < inner; i++, at += out) values[at] = rows.values[from++] as number;
  return { values, scales: rows.scales };
}

/** Smaller magnitudes would have scales that float32 rounds coarsely, or to 0. */
const NOTHING = 1e-30;

/**
 * Whole numbers within ±63 (7 bits) or ±127 (8 bits) that times their row's scale are nearest to a matrix [rows, n].
 * Quantising what was quantised changes nothing.
 * @returns values [rows, n], row-major, and scales [rows]; rows without a magnitude above 1e-30 become zeros of scale 1.
 */
export function quantizeRows(
  weight: Float32Array,
  rows: number,
  bits: 7 | 8 = 8,
): { values: Int8Array<ArrayBuffer>; scales: Float32Array<ArrayBuffer> } {
  const inner = weight.length / rows;
  const limit = bits === 7 ? 63 : 127;
  const values = new Int8Array(weight.length);
  const scales = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const row = weight.subarray(r * inner, (r + 1) * inner);
    let largest = 0;
    for (let i = 0; i < inner; i++) largest = Math.max(largest, Math.abs(row[i] as number));
    const scale = largest > NOTHING ? Math.fround(largest / limit) : 1;
    scales[r] = scale;
    if (largest <= NOTHING) continue;
    const inverse = 1 / scale;
    for (let i = 0; i < inner; i++) values[r * inner + i] = Math.round((row[i] as number) * inverse);
  }
  return { values, scales };
}
