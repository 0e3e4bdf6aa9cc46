/** Writes a safetensors file: u64 header length, JSON header padded to 8 bytes, then the tensors' bytes without gaps. */
import { open } from "node:fs/promises";

export interface StoredTensor {
  dtype: string;
  shape: readonly number[];
  /** Little-endian, row-major. */
  data: Uint8Array;
}

/** Writes the tensors in the order of their names. */
export async function writeSafetensors(path: string, tensors: ReadonlyMap<string, StoredTensor>): Promise<void> {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, { dtype, shape, data }] of sorted) {
    header[name] = { dtype, shape, data_offsets: [end, end + data.length] };
    end += data.length;
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(json.length));
  const file = await open(path, "w");
  try {
    for (const part of [prefix, json, ...sorted.map(([, tensor]) => tensor.data)]) await file.writeFile(part);
  } finally {
    await file.close();
  }
}
