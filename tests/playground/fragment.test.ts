import fc from "fast-check";
import { expect, test } from "vitest";
import { codeBits, fromFragment, toFragment } from "../../apps/playground/src/share/fragment.ts";

test("whatever goes into a link comes out of it", () => {
  const clip = fc.constantFrom(2, 500, 512, 8192, 16384, 2 ** 20).chain((codebookSize) =>
    fc.record({
      codebookSize: fc.constant(codebookSize),
      codes: fc.array(fc.nat(codebookSize - 1), { minLength: 1, maxLength: 60 }),
      hash: fc.constantFrom("00c0ffee", undefined),
    }),
  );
  fc.assert(
    fc.property(clip, ({ codes, ...rest }) => {
      const fragment = toFragment({ codes: Int32Array.from(codes), ...rest }) as string;
      expect(fragment).toMatch(/^#t=[A-Za-z0-9_.-]+$/);
      const got = fromFragment(fragment);
      expect({ ...got, codes: [...(got?.codes ?? [])].slice(0, codes.length) }).toEqual({ codes, ...rest });
      // six bits a letter may hold one more code of few bits, never one of more than six
      expect(got?.codes.length).toBe(codeBits(rest.codebookSize) > 5 ? codes.length : got?.codes.length);
    }),
    { seed: 1 },
  );
});

test("ten seconds of 8,192 codes take 542 letters", () => {
  const codes = Int32Array.from({ length: 250 }, (_, i) => (i * 7919) % 8192);
  const fragment = toFragment({ codes, codebookSize: 8192, hash: "00c0ffee" }) as string;
  expect(fragment.split(".").at(-1)).toHaveLength(Math.ceil((250 * 13) / 6));
});

test("bits are packed first bit first, in the alphabet of RFC 4648", () => {
  // 1 0000 0000 0000, 0 0000 0000 0001 → 100000 000000 000000 000000 01(0000)
  expect(toFragment({ codes: Int32Array.of(4096, 1), codebookSize: 8192, hash: undefined })).toBe("#t=1.-.8192.gAAAQ");
});

test("other fragments are left alone, damaged ones told in a line, long clips refused", () => {
  expect(fromFragment("")).toBeUndefined();
  expect(fromFragment("#main")).toBeUndefined();
  expect(() => fromFragment("#t=2.-.8192.gAAAQ")).toThrow("does not know");
  expect(() => fromFragment("#t=1.-.zero.gAAAQ")).toThrow("does not know");
  expect(() => fromFragment("#t=1.-.8192.")).toThrow("damaged");
  expect(() => fromFragment("#t=1.-.8192.gAA*Q")).toThrow("damaged");
  expect(() => fromFragment("#t=1.-.8192.gAAAR")).toThrow("damaged");
  expect(() => fromFragment("#t=1.-.5000.____")).toThrow("damaged");
  expect(() => fromFragment(`#t=1.-.8192.${"A".repeat(20_000)}`)).toThrow("damaged");
  expect(toFragment({ codes: new Int32Array(7501), codebookSize: 8192, hash: undefined })).toBeUndefined();
});
