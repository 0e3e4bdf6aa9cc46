import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type NpyWritable, npyNumbers, readNpy, writeNpy } from "./npy.ts";

const fixtures = fileURLToPath(new URL("../../../../tests/fixtures/", import.meta.url));

/** A file with this header dict and these bytes. */
function npy(dict: string, body: Uint8Array | number, version = 1): Uint8Array {
  const data = typeof body === "number" ? new Uint8Array(body) : body;
  const header = new TextEncoder().encode(dict);
  const sizes =
    version === 1 ? [header.length & 255, header.length >> 8] : [header.length & 255, header.length >> 8, 0, 0];
  return Uint8Array.from([0x93, ...new TextEncoder().encode("NUMPY"), version, 0, ...sizes, ...header, ...data]);
}
const header = (descr: string, shape: string, fortran = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': ${shape}, }\n`;

test("every array of the fixtures", () => {
  let files = 0;
  for (const name of readdirSync(fixtures, { recursive: true }) as string[]) {
    if (!/^(tokenizers|decoders|torch_rng).*\.npy$/.test(name)) continue;
    const { shape, data } = readNpy(readFileSync(fixtures + name), name);
    expect(data.length).toBe(shape.reduce((product, size) => product * size, 1));
    files++;
  }
  expect(files).toBeGreaterThan(200);
});

describe("what is written is read", () => {
  test.each<[NpyWritable, number[]]>([
    [Float32Array.of(1, 2.5, -3, 0, 5, 6), [2, 3]],
    [Float64Array.of(0.1), [1]],
    [BigInt64Array.of(-(2n ** 60n)), []],
    [Int32Array.of(-5, 6), [2, 1]],
    [Int16Array.of(-5, 6), [1, 2]],
    [Int8Array.of(-5), [1]],
    [Uint8Array.of(255), [1, 1, 1]],
    [new Float32Array(0), [0, 4]],
  ])("%s", (data, shape) => {
    const bytes = writeNpy(data, shape);
    expect((bytes.length - data.byteLength) % 64).toBe(0);
    const read = readNpy(bytes);
    expect(read.shape).toEqual(shape);
    expect(read.data).toEqual(data);
  });
});

test("versions, byte orders, Fortran order, half floats, booleans", () => {
  expect(readNpy(npy(header("<i2", "(2,)"), Uint8Array.of(1, 0, 2, 0), 2)).data).toEqual(Int16Array.of(1, 2));
  expect(readNpy(npy(header(">i2", "(2,)"), Uint8Array.of(0, 1, 0, 2), 3)).data).toEqual(Int16Array.of(1, 2));
  expect(readNpy(npy(header("|i1", "(2, 3)", "True"), Uint8Array.of(1, 4, 2, 5, 3, 6))).data).toEqual(
    Int8Array.of(1, 2, 3, 4, 5, 6),
  );
  expect(readNpy(npy(header("<f2", "()"), Uint8Array.of(0, 0x3c))).data).toEqual(Float32Array.of(1));
  expect(readNpy(npy(header("|b1", "(2,)"), Uint8Array.of(1, 0)))).toMatchObject({
    type: "b1",
    data: Uint8Array.of(1, 0),
  });
  expect(readNpy(npy('{"shape": (1,), "fortran_order": False, "descr": "<i4"}', 4)).shape).toEqual([1]);
  expect([...npyNumbers(readNpy(writeNpy(BigInt64Array.of(7n))))]).toEqual([7]);
  expect(() => npyNumbers(readNpy(writeNpy(BigInt64Array.of(2n ** 60n))))).toThrow("too large");
});

test.each([
  ["nothing", new Uint8Array(0), "is not a .npy file"],
  ["text", new TextEncoder().encode("hello hello hello"), "is not a .npy file"],
  ["version 9", npy("", 0, 9), "has .npy version 9"],
  ["a header past the end", npy(header("<f4", "(1,)"), 4).subarray(0, 40), "cut short or corrupt"],
  ["no dict", npy("print(1)", 0), "its header is not a dict"],
  ["code in the header", npy("{'descr': __import__('os'), }", 0), "is not what NumPy writes"],
  ["pickled objects", npy(header("|O", "(1,)"), 8), 'has element type "|O"'],
  ["strings", npy(header("<U5", "(1,)"), 20), "has element type"],
  ["too few values", npy(header("<f4", "(3,)"), 8), "does not fit the 8 bytes"],
  ["too many values", npy(header("<f4", "(1,)"), 8), "does not fit the 8 bytes"],
  ["an impossible shape", npy(header("<f4", "(99999999999999, 99999999999999)"), 8), "does not fit"],
  ["a negative size", npy(header("<f4", "(-1,)"), 8), "is not what NumPy writes"],
  ["a missing entry", npy("{'descr': '<f4', 'shape': (1,)}", 4), "lacks descr, fortran_order or shape"],
  ["an entry twice", npy("{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", 4), "is not what NumPy writes"],
])("refuses %s", (_, bytes, message) => expect(() => readNpy(bytes, "x.npy")).toThrow(message));
