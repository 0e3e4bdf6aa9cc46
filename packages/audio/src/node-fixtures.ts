/** Test helper for Node: reads what lies in tests/fixtures. Not part of the package's exports. */
import { readFileSync } from "node:fs";

const ROOT = new URL("../../../tests/fixtures/", import.meta.url);

/** A fixture's bytes. */
export function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, ROOT)));
}

/** A fixture's JSON. */
export function fixtureJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(path, ROOT), "utf8")) as T;
}

/** A float32 or int64 .npy fixture (version 1, C order). */
export function fixtureArray(path: string): { shape: number[]; data: Float32Array } {
  const bytes = fixture(path);
  const length = bytes[8]! | (bytes[9]! << 8);
  const header = String.fromCharCode(...bytes.subarray(10, 10 + length));
  const shape = [...header.match(/\(([^)]*)\)/)![1]!.matchAll(/\d+/g)].map((m) => Number(m[0]));
  const body = bytes.slice(10 + length).buffer;
  const data = header.includes("'<i8'") ? Float32Array.from(new BigInt64Array(body), Number) : new Float32Array(body);
  return { shape, data };
}

/** Largest absolute difference; NaN when lengths differ. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}
