import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { zipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { memorySource } from "./byte-source.ts";
import { hiftNames } from "./hift-names.ts";
import { fileSource } from "./node/file-source.ts";
import { elementCount, float32Tensor, ITEM_BYTES, memoryStore, readFloat32, type TensorStore } from "./tensor-store.ts";
import { openTorchFile } from "./torch-file.ts";
import { foldWeightNorm } from "./weight-norm.ts";

const root = fileURLToPath(new URL("../../../../tests/fixtures/checkpoints/", import.meta.url));
const json = (name: string) => JSON.parse(readFileSync(`${root}${name}`, "utf8"));

async function numbers(store: TensorStore, name: string): Promise<number[]> {
  const { dtype } = store.info(name)!;
  if (dtype === "F64") return [...new Float64Array((await store.read(name)).slice().buffer)];
  if (dtype === "I64") return [...new BigInt64Array((await store.read(name)).slice().buffer)].map(Number);
  if (dtype === "U8" || dtype === "BOOL") return [...(await store.read(name))];
  return [...(await readFloat32(store, name))];
}

describe.each(["zip-protocol2.pt", "zip-protocol4.pt", "zip-protocol5.pt", "legacy.pt"])("%s", (file) => {
  test("holds what torch saved, contiguous", async () => {
    const store = await openTorchFile(await fileSource(root + file));
    const expected = json("expected.json") as Record<string, { shape: number[]; values: string[] }>;
    expect([...store.names()]).toEqual(Object.keys(expected));
    for (const [name, { shape, values }] of Object.entries(expected)) {
      expect(store.info(name)!.shape, name).toEqual(shape);
      const actual = await numbers(store, name);
      expect(actual, name).toEqual(values.map((v) => (v === "inf" ? Infinity : Number(v))));
    }
    await store.close();
  });
  test("locates what lies contiguous in the file", async () => {
    const store = await openTorchFile(await fileSource(root + file));
    const bytes = readFileSync(root + file);
    for (const name of ["plain", "shared", "bfloat"]) {
      const { offset, byteLength } = store.locate(name)!;
      expect(byteLength).toBe(elementCount(store.info(name)!.shape) * ITEM_BYTES[store.info(name)!.dtype]);
      expect(new Uint8Array(bytes.subarray(offset, offset + byteLength))).toEqual(await store.read(name));
    }
    expect(store.locate("transposed")).toBeUndefined();
    await store.close();
  });
  test("cut short anywhere it is an error, not a crash", async () => {
    const bytes = new Uint8Array(readFileSync(root + file));
    for (let length = 0; length < bytes.length; length += 97)
      await expect(openTorchFile(memorySource(bytes.subarray(0, length)))).rejects.toMatchObject({
        isInputError: true,
      });
  });
});

test("nested dicts and lists become dotted names", async () => {
  const store = await openTorchFile(await fileSource(`${root}nested.pt`));
  expect([...store.names()]).toEqual(["a.b", "c.0"]);
  await store.close();
});

test("a whole module is refused by its class", () =>
  expect(fileSource(`${root}module.pt`).then(openTorchFile)).rejects.toThrow(
    "pickle asks for torch.nn.modules.linear.Linear",
  ));

describe("weight normalisation", () => {
  test.each(["weight-norm-old.pt", "weight-norm-new.pt"])("%s", async (file) => {
    const store = foldWeightNorm(await openTorchFile(await fileSource(root + file)));
    expect([...store.names()].sort()).toEqual(["conv.bias", "conv.weight", "up.bias", "up.weight"]);
    expect(store.info("up.weight")).toEqual({ dtype: "F32", shape: [4, 2, 3] });
    for (const [name, values] of Object.entries(json("weight-norm.json") as Record<string, string[]>)) {
      const weight = await readFloat32(store, `${name}.weight`);
      for (const [i, value] of values.entries()) expect(Math.abs(weight[i]! - Number(value))).toBeLessThan(2e-7);
    }
    await store.close();
  });
  const one = float32Tensor([1], Float32Array.of(1));
  test.each([
    [["a.weight_g"], "without the other half"],
    [["a.weight_g", "a.weight_v", "a.weight"], "and its weight-norm pair"],
    [["a.weight_g", "a.parametrizations.weight.original0", "a.weight_v"], "has both"],
  ])("refuses %j", (names, message) =>
    expect(() => foldWeightNorm(memoryStore(new Map(names.map((n) => [n, one]))))).toThrow(message),
  );
  test("refuses shapes that do not match", () => {
    const store = memoryStore(
      new Map([
        ["weight_g", one],
        ["weight_v", float32Tensor([2, 1], Float32Array.of(1, 2))],
      ]),
    );
    expect(() => foldWeightNorm(store)).toThrow("does not match");
  });
});

test("names of other code bases", () => {
  const one = float32Tensor([1], Float32Array.of(1));
  const names = [
    "generator.conv_pre.weight",
    "generator.m_source.l_linear.bias",
    "generator.resblocks.0.convs1.2.bias",
    "generator.conv_post.bias",
  ];
  expect([...hiftNames(memoryStore(new Map(names.map((n) => [n, one])))).names()]).toEqual([
    "pre_conv.weight",
    "source.l_linear.bias",
    "resblocks.0.conv1.2.bias",
    "post_conv.bias",
  ]);
  expect(() =>
    hiftNames(
      memoryStore(
        new Map([
          ["conv_pre.bias", one],
          ["pre_conv.bias", one],
        ]),
      ),
    ),
  ).toThrow("mean the same tensor");
});

describe("malicious pickles", () => {
  const ascii = (text: string) => new TextEncoder().encode(text);
  const zip = (pickle: Uint8Array, more: Record<string, Uint8Array> = {}) => zipSync({ "x/data.pkl": pickle, ...more });
  const load = (bytes: Uint8Array) => openTorchFile(memorySource(bytes, "evil.pt"));
  test.each([
    ["os.system", ascii("cos\nsystem\n(S'id'\ntR."), "refusing to load evil.pt: pickle asks for os.system"],
    ["builtins.eval", ascii("c__builtin__\neval\n(S'1'\ntR."), "pickle asks for __builtin__.eval"],
    [
      "eval by STACK_GLOBAL",
      ascii("\u008c\u0008builtins\u008c\u0004eval\u0093.").filter((b) => b !== 0xc2),
      "pickle asks for builtins.eval",
    ],
    ["INST", ascii("(S'id'\nios\nsystem\n."), "pickle asks for os.system"],
    ["a storage class called", ascii("ctorch\nFloatStorage\n)R."), "which stands for a type here"],
    ["an outside object", ascii("Pevil\n."), "an outside object that is not a storage"],
    ["terminal escapes in a name", ascii("c\u001b[31m\nx\n."), "pickle asks for \\u001b[31m.x"],
    ["nothing on the stack", ascii("."), "takes a value where there is none"],
    ["BUILD on a function", ascii("ccollections\nOrderedDict\n}b."), "sets attributes"],
    ["an unknown opcode", Uint8Array.of(0xff), "0xff at byte 0 is not a pickle opcode"],
    ["protocol 9", Uint8Array.of(0x80, 9), "has protocol 9"],
    ["a string that is longer than the file", Uint8Array.of(0x58, 255, 255, 255, 255), "cut short"],
    ["a huge integer", ascii("\u008b\u00ff\u00ff\u00ff\u007f.").filter((b) => b < 0xc0), "an integer of"],
    ["no tensors", ascii("}."), "holds no tensors"],
    ["a dict in itself", ascii("}q\u0000(h\u0000h\u0000u."), "nested too deeply or without end"],
    ["a list in itself", ascii("]q\u0000h\u0000a."), "nested too deeply or without end"],
  ])("%s", async (_, pickle, message) => {
    await expect(load(zip(pickle))).rejects.toMatchObject({
      isInputError: true,
      message: expect.stringContaining(message),
    });
  });

  /** A state dict of one tensor: storage of `length` floats, then offset, shape and strides. */
  const tensor = (length: number, offset: number, shape: number[], strides: number[]) =>
    ascii(
      `(dS'a'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI${length}\ntQI${offset}\n(${shape.map((n) => `I${n}\n`).join("")}t(${strides.map((n) => `I${n}\n`).join("")}tI00\nNtRs.`,
    );
  test("a tensor made by hand", async () => {
    const data = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    const store = await load(zip(tensor(4, 1, [2], [2]), { "x/data/0": data }));
    expect(await readFloat32(store, "a")).toEqual(Float32Array.of(2, 4));
  });
  test.each([
    ["past its storage", tensor(4, 1, [4], [1])],
    ["of negative stride", tensor(4, 0, [2], [-1])],
    ["of impossible size", tensor(4, 0, [2 ** 40, 2 ** 40], [0, 0])],
    ["of one value repeated 2^40 times", tensor(4, 0, [2 ** 40], [0])],
    ["whose storage claims more than the file has", tensor(2 ** 40, 0, [2 ** 40], [1])],
    ["of a fractional size", ascii(new TextDecoder().decode(tensor(4, 0, [2], [1])).replace("I2\n", "F1.5\n"))],
  ])("a tensor %s", async (_, pickle) => {
    await expect(load(zip(pickle, { "x/data/0": new Uint8Array(16) }))).rejects.toMatchObject({ isInputError: true });
  });
  test("dicts that share dicts do not take for ever", async () => {
    let pickle = "}q\u0000";
    for (let i = 1; i < 100; i++)
      pickle += `}q${String.fromCharCode(i)}(K\u0001h${String.fromCharCode(i - 1)}K\u0002h${String.fromCharCode(i - 1)}u`;
    await expect(load(zip(ascii(`${pickle}.`)))).rejects.toThrow("nested too deeply or without end");
  });
  test("a deflate bomb's claim is not believed", async () => {
    const bytes = zip(tensor(4, 0, [4], [1]), { "x/data/0": new Uint8Array(16) });
    const view = new DataView(bytes.buffer);
    for (let i = 0; i + 4 < bytes.length; i++)
      if (view.getUint32(i, true) === 0x02014b50) view.setUint32(i + 24, 0xfffffff0, true);
    await expect(load(bytes)).rejects.toThrow("which deflate cannot do");
  });
  test("damaged data is noticed", async () => {
    const bytes = zip(tensor(4, 0, [4], [1]), { "x/data/0": new Uint8Array(16).fill(7) });
    const at = bytes.indexOf(0x62); // within the first deflated entry, data.pkl
    for (let flip = at; flip < at + 20; flip++) {
      const copy = bytes.slice();
      copy[flip]! ^= 0xff;
      await load(copy).then(
        async (store) => void (await Promise.allSettled([...store.names()].map((n) => store.read(n)))),
        (error) => expect(error.isInputError).toBe(true),
      );
    }
  });
  test.each([
    ["empty", new Uint8Array(0), "is empty"],
    ["text", ascii("hello world"), "is not a file of torch.save"],
    ["a zip of something else", zipSync({ "a.txt": ascii("x") }), "with 0 data.pkl"],
    ["TorchScript", zipSync({ "m/data.pkl": ascii("}."), "m/constants.pkl": ascii(").") }), "TorchScript"],
    ["a plain pickle", Uint8Array.of(0x80, 2, 0x7d, 0x2e), "is not a file of torch.save"],
  ])("refuses %s", async (_, bytes, message) => {
    await expect(load(bytes)).rejects.toMatchObject({ isInputError: true, message: expect.stringContaining(message) });
  });
});
