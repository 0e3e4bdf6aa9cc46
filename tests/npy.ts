import { readFileSync } from "node:fs";

/** Minimal reader of this repository's own fixture arrays (little-endian float32 or int64, C order). */
export function loadNpy(path: string): { shape: number[]; data: Float32Array } {
  const bytes = readFileSync(path);
  const length = bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, 10 + length);
  const shape = (/'shape': \(([^)]*)\)/.exec(header)?.[1] ?? "")
    .split(",")
    .filter((s) => s.trim())
    .map(Number);
  const body = new Uint8Array(bytes.subarray(10 + length)).buffer;
  if (header.includes("<f4")) return { shape, data: new Float32Array(body) };
  return { shape, data: Float32Array.from(new BigInt64Array(body), Number) };
}
