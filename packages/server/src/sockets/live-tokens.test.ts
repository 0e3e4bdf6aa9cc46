import { expect, test } from "vitest";
import { samplesOf } from "./live-tokens.ts";

test("samples of a message, whatever its alignment", () => {
  const s16 = Buffer.from([9, 0, 0x80, 0xff, 0x7f, 0x00, 0x40]).subarray(1);
  expect([...samplesOf(s16, "s16")]).toEqual([-1, 32_767 / 32_768, 0.5]);
  const f32 = Buffer.alloc(8);
  f32.writeFloatLE(0.25, 0);
  f32.writeFloatLE(-1, 4);
  expect([...samplesOf([f32.subarray(0, 3), f32.subarray(3)], "f32")]).toEqual([0.25, -1]);
});

test("half a sample is refused", () => {
  expect(() => samplesOf(Buffer.alloc(3), "s16")).toThrow("expected whole samples of 2 bytes");
  expect(() => samplesOf(Buffer.alloc(6), "f32")).toThrow("expected whole samples of 4 bytes");
});
