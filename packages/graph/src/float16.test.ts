import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16, toFloat32 } from "./float16.ts";

const golden = JSON.parse(
  readFileSync(new URL("../../../tests/fixtures/ops/float16.json", import.meta.url), "utf8"),
) as Record<"floatBits" | "halfBits" | "bfloatBits" | "bfloatAsFloatBits", number[]> & { allHalvesXor: number };

const bitsOf = (f: Float32Array) => new Uint32Array(f.buffer, f.byteOffset, f.length);
const floats = (bits: readonly number[]) => new Float32Array(Uint32Array.from(bits).buffer);
const halves = Uint16Array.from({ length: 65536 }, (_, h) => h);
const isNaNHalf = (h: number) => (h & 0x7c00) === 0x7c00 && (h & 0x3ff) !== 0;

test("all 65536 halves have the values NumPy gives them", () => {
  const bits = bitsOf(float16ToFloat32(halves));
  let xor = 0;
  for (const h of halves) if (!isNaNHalf(h)) xor = (xor ^ Math.imul(bits[h] as number, 2 * h + 1)) >>> 0;
  expect(xor).toBe(golden.allHalvesXor);
});

test("all halves survive the way to float32 and back", () => {
  const back = float32ToFloat16(float16ToFloat32(halves));
  for (const h of halves) {
    if (isNaNHalf(h)) expect(isNaNHalf(back[h] as number), `${h}`).toBe(true);
    else if (back[h] !== h) expect(back[h]).toBe(h);
  }
});

test("float32 is rounded to halves as NumPy does, ties to even", () => {
  expect([...float32ToFloat16(floats(golden.floatBits))]).toEqual(golden.halfBits);
  expect(golden.halfBits.length).toBeGreaterThan(900);
});

test("bfloat16 is widened as PyTorch does", () => {
  expect([...bitsOf(bfloat16ToFloat32(Uint16Array.from(golden.bfloatBits)))]).toEqual(golden.bfloatAsFloatBits);
});

test("stored bytes of any alignment become float32", () => {
  const values = [0, -1.5, 0.25, 1024];
  const stored = {
    F32: new Uint8Array(Float32Array.from(values).buffer),
    F64: new Uint8Array(Float64Array.from(values).buffer),
    F16: new Uint8Array(float32ToFloat16(Float32Array.from(values)).buffer),
    BF16: new Uint8Array(Uint16Array.from(bitsOf(Float32Array.from(values)), (b) => b >>> 16).buffer),
  };
  for (const [dtype, bytes] of Object.entries(stored)) {
    for (const shift of [0, 1, 2, 4, 7]) {
      const moved = new Uint8Array(bytes.length + shift);
      moved.set(bytes, shift);
      expect([...toFloat32(moved.subarray(shift), dtype as keyof typeof stored)], `${dtype} at ${shift}`).toEqual(
        values,
      );
    }
  }
});
