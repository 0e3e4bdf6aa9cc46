import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { memorySource } from "./byte-source.ts";
import { memoryFiles } from "./model-files.ts";
import { directoryFiles } from "./node/file-source.ts";
import { writeSafetensorsFile } from "./node/safetensors-file.ts";
import { openSafetensors, openSafetensorsModel } from "./safetensors.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import { float16Tensor, float32Tensor, readFloat32, type TensorData } from "./tensor-store.ts";
import { stripPrefix } from "./views.ts";

const values = Float32Array.of(1, -2.5, 65504, 2 ** -24, 3.1406);
const bfloat: TensorData = { dtype: "BF16", shape: [2], data: Uint8Array.of(0x80, 0x3f, 0x20, 0xc0) };
const tensors = new Map<string, TensorData>([
  ["odd", { dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }],
  ["a", float32Tensor([5, 1], values)],
  ["half", float16Tensor([5], values)],
  ["bf", bfloat],
  ["none", { dtype: "I64", shape: [0, 7], data: new Uint8Array(0) }],
  ["__proto__x", float32Tensor([], Float32Array.of(4))],
]);

/** A file with this header text and `dataBytes` zeros. */
function lying(header: string, dataBytes = 8, length = new TextEncoder().encode(header).length): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, 8);
  return bytes;
}
const open = (bytes: Uint8Array) => openSafetensors(memorySource(bytes, "x.safetensors"));

test("what was written is read, fp16 and bf16 as float32", async () => {
  const bytes = writeSafetensors(tensors, { format: "pt" });
  const store = await open(bytes);
  expect(store.metadata).toEqual({ format: "pt" });
  expect([...store.names()].sort()).toEqual([...tensors.keys()].sort());
  expect(store.info("a")).toMatchObject({ dtype: "F32", shape: [5, 1] });
  expect(await readFloat32(store, "a")).toEqual(values);
  expect(await readFloat32(store, "half")).toEqual(Float32Array.of(1, -2.5, 65504, 2 ** -24, 3.140625));
  expect(await readFloat32(store, "bf")).toEqual(Float32Array.of(1, -2.5));
  expect(await store.read("odd")).toEqual(Uint8Array.of(1, 2, 3));
  await expect(readFloat32(store, "odd")).rejects.toThrow("holds U8 values; expected F32");
  await expect(readFloat32(store, "nothing")).rejects.toThrow('has no tensor "nothing"');
});

test("float16 rounds to nearest, ties to even", async () => {
  const given = Float32Array.of(
    65519,
    65520,
    -1e9,
    1.00048828125,
    1.00146484375,
    2 ** -25,
    1.5 * 2 ** -24,
    6.1e-5,
    Number.NaN,
    -0,
  );
  const store = await open(writeSafetensors(new Map([["h", float16Tensor([10], given)]])));
  expect([...(await readFloat32(store, "h"))]).toEqual([
    65504,
    Infinity,
    -Infinity,
    1,
    1.001953125,
    0,
    2 ** -23,
    Math.round(6.1e-5 * 2 ** 24) * 2 ** -24,
    Number.NaN,
    -0,
  ]);
});

test("shards on disk, located for memory mapping, below a prefix", async () => {
  const folder = mkdtempSync(join(tmpdir(), "shards-"));
  const lazy = (data: Float32Array) =>
    ({ dtype: "F32", shape: [data.length], data: () => new Uint8Array(data.buffer) }) as const;
  await writeSafetensorsFile(join(folder, "m-1.safetensors"), new Map([["model.encoder.a", lazy(values)]]));
  await writeSafetensorsFile(
    join(folder, "m-2.safetensors"),
    new Map([
      ["model.encoder.b", lazy(values)],
      ["model.decoder.c", lazy(values)],
    ]),
  );
  const files = directoryFiles(folder);
  const weightMap = {
    "model.encoder.a": "m-1.safetensors",
    "model.encoder.b": "m-2.safetensors",
    "model.decoder.c": "m-2.safetensors",
  };
  const index = new TextEncoder().encode(JSON.stringify({ weight_map: weightMap }));
  const withIndex = {
    ...files,
    exists: async (path: string) => path === "m.safetensors.index.json",
    text: async () => new TextDecoder().decode(index),
  };
  const store = stripPrefix(await openSafetensorsModel(withIndex, "m"), "model.encoder.");
  expect([...store.names()]).toEqual(["a", "b"]);
  expect(await readFloat32(store, "b")).toEqual(values);
  const location = store.locate("a")!;
  expect(location).toMatchObject({ path: join(folder, "m-1.safetensors"), byteLength: 20 });
  expect(location.offset % 8).toBe(0);
  await store.close();
  rmSync(folder, { recursive: true });
});

test.each([
  [{ a: "../secret.safetensors" }, "expected the name of a .safetensors file"],
  [{ a: 5 }, "expected the name of a .safetensors file"],
  [{ a: "missing.safetensors" }, "has no file missing.safetensors"],
  [{ b: "s.safetensors" }, 'has no tensor "b"'],
  [[], "weight_map is []"],
])("refuses the index %j", async (weightMap, message) => {
  const files = memoryFiles({
    "m.safetensors.index.json": JSON.stringify({ weight_map: weightMap }),
    "s.safetensors": writeSafetensors(new Map([["a", float32Tensor([1], Float32Array.of(1))]])),
  });
  await expect(openSafetensorsModel(files, "m")).rejects.toThrow(message);
});

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;
test.each([
  ["an empty file", new Uint8Array(0), "is 0 bytes long"],
  ["a header length past the file", lying("{}", 0, 1e15), "says its header is 1000000000000000 bytes long"],
  ["a header length of 2^64 - 1", new Uint8Array(64).fill(255), "says its header is"],
  ["no JSON", lying("{nope", 0), "is not JSON"],
  ["no object", lying("[1]", 0), "is not a JSON object"],
  ["no UTF-8", lying("\u0000", 0).fill(255, 8), "is not UTF-8"],
  [
    "a name twice",
    lying(`{"a":${entry("F32", "[1]", "[0,4]")},"\\u0061":${entry("F32", "[1]", "[4,8]")}}`),
    'has "a" twice',
  ],
  [
    "a key twice",
    lying(`{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}`, 4),
    'has "dtype" twice',
  ],
  ["overlap", lying(`{"a":${entry("F32", "[2]", "[0,8]")},"b":${entry("F32", "[1]", "[4,8]")}}`), "overlaps"],
  ["a gap", lying(`{"a":${entry("F32", "[1]", "[4,8]")}}`), "a gap of 4 bytes"],
  ["a tail", lying(`{"a":${entry("F32", "[1]", "[0,4]")}}`), "4 bytes follow"],
  ["an offset past the end", lying(`{"a":${entry("F32", "[4]", "[0,16]")}}`), "lies at bytes 0 to 16 of 8"],
  ["offsets reversed", lying(`{"a":${entry("F32", "[0]", "[8,0]")}}`), "lies at bytes 8 to 0"],
  [
    "a shape that overflows",
    lying(`{"a":${entry("F32", "[4294967296,4294967296]", "[0,8]")}}`),
    "the impossible shape",
  ],
  ["a negative size", lying(`{"a":${entry("F32", "[-2]", "[0,8]")}}`), "the impossible shape"],
  ["a wrong length", lying(`{"a":${entry("F16", "[2]", "[0,8]")}}`), "needs 4 bytes, but has 8"],
  ["an unknown type", lying(`{"a":${entry("F8_E4M3", "[8]", "[0,8]")}}`), 'has dtype "F8_E4M3"; supported are'],
  ["a tensor that is no object", lying('{"a":null}', 0), "has dtype undefined"],
  ["metadata that is not text", lying('{"__metadata__":{"a":1}}', 0), "__metadata__"],
])("refuses %s", async (_, bytes, message) => {
  await expect(open(bytes)).rejects.toMatchObject({ isInputError: true, message: expect.stringContaining(message) });
});
