import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildGraph, type Graph, type ParameterData } from "../graph.ts";
import { emitModel } from "../onnx/emitter.ts";
import { packForMapping, releaseSpool } from "./mapped-weights.ts";
import { createNativeRuntime } from "./native.ts";
import { packInMemory } from "./ort-session.ts";
import { compile, type NumericArray } from "./runtime.ts";

const SIZE = 16;
const weights = (seed: number, length = SIZE * SIZE) =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed + i * 0.7));

let folder: string;
let temporary: string | undefined;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "mapped-weights-test-"));
  temporary = process.env.TMPDIR;
  await mkdir(join(folder, "tmp"));
  process.env.TMPDIR = join(folder, "tmp");
});
afterEach(async () => {
  if (temporary === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = temporary;
  await rm(folder, { recursive: true });
});

const inMemory = (values: Float32Array, shape = [SIZE, SIZE]): ParameterData => ({
  dtype: "F32",
  shape,
  read: async () => new Uint8Array(values.buffer),
});

/** Writes a file that holds the values after `offset` bytes of something else; reading it is an error. */
async function inFile(name: string, values: Float32Array, offset = 0): Promise<ParameterData> {
  const path = join(folder, name);
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, Buffer.concat([Buffer.alloc(offset, 0xee), new Uint8Array(values.buffer), Buffer.alloc(5)]));
  const read = () => Promise.reject(new Error(`${name} was read instead of mapped`));
  return { ...inMemory(values), file: { path, offset, byteLength: values.byteLength }, read };
}

/** x · aᵀ · bᵀ … */
const chain = (parameters: Record<string, ParameterData>): Graph =>
  buildGraph("chain", (g) => {
    let y = g.input("x", [1, SIZE]);
    for (const [name, data] of Object.entries(parameters)) y = y.linear(g.parameter(name, data));
    return { y };
  });

async function evaluate(parameters: Record<string, ParameterData>): Promise<number[]> {
  const runtime = createNativeRuntime({ threads: 1 });
  const program = await compile(runtime, chain(parameters));
  const { y } = await program.run({ x: { data: weights(9, SIZE), shape: [1, SIZE] } });
  await program.dispose();
  await runtime.dispose();
  return [...(y as NumericArray).data].map(Number);
}

const expected = () => evaluate({ a: inMemory(weights(1)), b: inMemory(weights(2)) });

describe("weights in files", () => {
  test("of one folder are mapped, not read", async () => {
    const parameters = { a: await inFile("one.bin", weights(1), 64), b: await inFile("two.bin", weights(2), 128) };
    const packed = await packForMapping(emitModel(chain(parameters)));
    expect(packed).toEqual({ folder, externalData: [], bytes: packed.bytes });
    expect(packed.bytes.length).toBeLessThan(1500);
    expect(await evaluate(parameters)).toEqual(await expected());
  });

  test("may start anywhere in their file", async () => {
    const parameters = { a: await inFile("one.bin", weights(1), 4), b: await inFile("two.bin", weights(2), 4099) };
    expect(await evaluate(parameters)).toEqual(await expected());
  });

  test("beside weights in memory, which travel in the model", async () => {
    const parameters = { a: await inFile("one.bin", weights(1), 64), b: inMemory(weights(2)) };
    const packed = await packForMapping(emitModel(chain(parameters)));
    expect(packed).toMatchObject({ folder, externalData: [] });
    expect(packed.bytes.length).toBeGreaterThan(4 * SIZE * SIZE);
    expect(await evaluate(parameters)).toEqual(await expected());
  });

  test("of two folders: the larger one is mapped, the other read", async () => {
    const large = await inFile("large/a.bin", weights(1));
    const alsoLarge = await inFile("large/c.bin", weights(3));
    const small = { ...(await inFile("small/b.bin", weights(2))), read: inMemory(weights(2)).read };
    const packed = await packForMapping(emitModel(chain({ a: large, b: small, c: alsoLarge })));
    expect(packed.folder).toBe(join(folder, "large"));
    const want = { a: inMemory(weights(1)), b: inMemory(weights(2)), c: inMemory(weights(3)) };
    expect(await evaluate({ a: large, b: small, c: alsoLarge })).toEqual(await evaluate(want));
  });

  test("behind links are mapped where they lie", async () => {
    const blob = await inFile("blobs/0123", weights(1), 8);
    const path = join(folder, "model.bin");
    await symlink(blob.file?.path as string, path);
    const linked = { ...blob, file: { path, offset: 8, byteLength: 4 * SIZE * SIZE } };
    expect((await packForMapping(emitModel(chain({ a: linked })))).folder).toBe(join(folder, "blobs"));
    expect(await evaluate({ a: linked, b: inMemory(weights(2)) })).toEqual(await expected());
  });

  test("that are gone are named", async () => {
    const gone = await inFile("gone.bin", weights(1));
    await rm(join(folder, "gone.bin"));
    await expect(evaluate({ a: gone })).rejects.toMatchObject({
      isInputError: true,
      message: expect.stringContaining(`cannot open the weights file ${join(folder, "gone.bin")}`),
    });
  });

  test("that end too soon are refused", async () => {
    const short = await inFile("short.bin", weights(1));
    await writeFile(join(folder, "short.bin"), new Uint8Array(100));
    await expect(evaluate({ a: short })).rejects.toThrow(/External initializer: a .*out of bounds/);
  });
});

test("a weight of another length than its shape is refused", async () => {
  const wrong = inMemory(weights(1, 10));
  await expect(packInMemory(emitModel(chain({ a: wrong })))).rejects.toThrow("weight a: read 40 bytes, expected 1024");
});

describe("more weights in memory than fit in a model", () => {
  const rows = 600_000; // 38 MB
  const values = new Float32Array(rows * SIZE).map((_, i) => (i % 1009) / 1009);
  const big = () => inMemory(values, [rows, SIZE]);
  const gathered = (parameters: Record<string, ParameterData>) =>
    buildGraph("gathered", (g) => {
      const picked = g.parameter("big", big()).gather(g.input("rows", [3], "int32"));
      return { y: Object.entries(parameters).reduce((y, [name, data]) => y.linear(g.parameter(name, data)), picked) };
    });

  test("go through a temporary file, which is deleted", async () => {
    const graph = gathered({ a: inMemory(weights(1)) });
    const left = join(folder, "tmp", "uat-weights-999999999-left"); // no system gives out such a number
    await mkdir(left);
    const packed = await packForMapping(emitModel(graph));
    expect(packed.externalData).toEqual([]);
    expect(packed.folder).toBe(packed.spool);
    expect(existsSync(left), "what a killed process left is swept").toBe(false);
    expect(await readdir(packed.spool as string)).toEqual(["weights.bin"]);
    await releaseSpool(packed);
    expect(existsSync(packed.spool as string)).toBe(false);

    const runtime = createNativeRuntime({ threads: 1 });
    const program = await compile(runtime, graph);
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
    const picks = Int32Array.of(0, 12345, rows - 1);
    const { y } = await program.run({ rows: { data: picks, shape: [3] } });
    await program.dispose();
    const a = weights(1);
    for (const [i, row] of picks.entries()) {
      for (let o = 0; o < SIZE; o++) {
        let sum = 0;
        for (let k = 0; k < SIZE; k++) sum += (values[row * SIZE + k] as number) * (a[o * SIZE + k] as number);
        expect(y?.data[i * SIZE + o]).toBeCloseTo(sum, 4);
      }
    }
  });

  test("leave nothing behind when one cannot be read", async () => {
    const broken: ParameterData = { ...inMemory(weights(1)), read: () => Promise.reject(new Error("torn tape")) };
    await expect(packForMapping(emitModel(gathered({ a: broken })))).rejects.toThrow("torn tape");
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });
});
