import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { symbol } from "../dim.ts";
import { buildGraph, type ParameterData } from "../graph.ts";
import { createRuntime } from "../index.ts";
import { compile, type Program, type Runtime } from "./runtime.ts";

const noise = (length: number, seed: number) =>
  Float32Array.from({ length }, (_, i) => Math.sin(seed + i * 12.9898) * 0.5);
const stored = (shape: number[], seed: number): ParameterData => {
  const values = noise(
    shape.reduce((p, d) => p * d, 1),
    seed,
  );
  return { dtype: "F32", shape, read: async () => new Uint8Array(values.buffer) };
};

/** Convolution, attention and a table: large enough for two threads to share the work. */
const network = () =>
  buildGraph("network", (g) => {
    const x = g
      .input("x", [symbol("batch"), 32, symbol("time")])
      .conv1d(g.parameter("conv", stored([128, 32, 5], 1)), undefined, { padding: [2, 2] })
      .gelu()
      .transpose(0, 2, 1);
    const attention = x.matmul(x.transpose(0, 2, 1)).softmax();
    const y = attention.matmul(x).linear(g.parameter("out", stored([64, 128], 2)));
    return { y, best: y.argMax(-1), total: y.sum(1) };
  });

describe.each(["cpu", "wasm"] as const)("two threads on %s", (device) => {
  let runtime: Runtime;
  let program: Program;
  const x = { data: noise(2 * 32 * 300, 3), shape: [2, 32, 300] };
  beforeAll(async () => {
    runtime = await createRuntime({ device, threads: 2 });
    program = await compile(runtime, network());
  });
  afterAll(async () => {
    await program.dispose();
    await runtime.dispose();
  });

  test("the same input gives the same bits, run after run", async () => {
    const first = await program.run({ x });
    expect(first.y?.shape).toEqual([2, 300, 64]);
    for (let i = 0; i < 5; i++) expect(await program.run({ x })).toEqual(first);
  });

  test("overlapping runs do not disturb each other", async () => {
    const other = { data: noise(32 * 80, 4), shape: [1, 32, 80] };
    const alone = [await program.run({ x }), await program.run({ x: other })];
    expect(await Promise.all([program.run({ x }), program.run({ x: other })])).toEqual(alone);
  });

  test("inputs are only read", async () => {
    const copy = x.data.slice();
    await program.run({ x }, { transfer: false });
    expect(x.data).toEqual(copy);
  });

  test("a wrong input is refused, and the program goes on", async () => {
    const want = await program.run({ x });
    await expect(program.run({ x: { data: noise(7 * 3, 1), shape: [1, 7, 3] } })).rejects.toThrow();
    await expect(program.run({ z: x })).rejects.toThrow();
    await expect(program.run({ x: { data: noise(5, 1), shape: [1, 32, 80] } })).rejects.toThrow();
    expect(await program.run({ x })).toEqual(want);
  });
});

test.each(["cpu", "wasm"] as const)(
  "programs made at the same time keep to their own weights on %s",
  async (device) => {
    const runtime = await createRuntime({ device, threads: 1 });
    const scaled = (seed: number) =>
      buildGraph(`scaled-${seed}`, (g) => ({
        y: g.input("x", [1, 64]).linear(g.parameter("w", stored([64, 64], seed))),
      }));
    const x = { data: noise(64, 9), shape: [1, 64] };
    const alone: unknown[] = [];
    for (const seed of [1, 2, 3]) {
      const program = await compile(runtime, scaled(seed));
      alone.push(await program.run({ x }));
      await program.dispose();
    }
    const programs = await Promise.all([1, 2, 3].map((seed) => compile(runtime, scaled(seed))));
    for (const [i, program] of programs.entries()) {
      expect(await program.run({ x })).toEqual(alone[i]);
      await program.dispose();
    }
    await runtime.dispose();
  },
);

describe("the choice of a runtime", () => {
  test("without the native library WASM takes over and says so once", async () => {
    const warnings: string[] = [];
    process.env.UAT_NO_NATIVE = "1";
    try {
      for (const device of ["auto", "cpu"] as const) {
        const runtime = await createRuntime({ device, onWarning: (message) => warnings.push(message) });
        expect(runtime.name).toBe("wasm");
        await runtime.dispose();
      }
    } finally {
      delete process.env.UAT_NO_NATIVE;
    }
    expect(warnings).toEqual([
      "onnxruntime-node is not available (UAT_NO_NATIVE is set): running on WebAssembly, which is slower",
    ]);
  });

  test("WebGPU is refused where there is none", async () => {
    process.env.UAT_NO_NATIVE = "1";
    try {
      await expect(createRuntime({ device: "webgpu" })).rejects.toMatchObject({
        isInputError: true,
        message: "device webgpu: this environment has no WebGPU adapter; use --device cpu",
      });
    } finally {
      delete process.env.UAT_NO_NATIVE;
    }
  });

  test("native WebGPU gives what the processor gives, or is refused in one line", async () => {
    const x = { data: noise(2 * 32 * 70, 5), shape: [2, 32, 70] };
    const run = async (runtime: Runtime) => {
      const program = await compile(runtime, network());
      const { y } = await program.run({ x });
      await program.dispose();
      await runtime.dispose();
      return y?.data as Float32Array;
    };
    const gpu = await createRuntime({ device: "webgpu" }).catch((error: Error) => error);
    if (gpu instanceof Error) {
      console.log(`native WebGPU is not tested: ${gpu.message}`);
      expect(gpu).toMatchObject({
        isInputError: true,
        message: expect.stringMatching(/^device webgpu: .*no WebGPU adapter.*; use --device cpu$/),
      });
      return;
    }
    expect(gpu.name).toBe("native webgpu");
    const got = await run(gpu);
    for (const [i, want] of (await run(await createRuntime({ device: "cpu" }))).entries())
      expect(got[i]).toBeCloseTo(want, 4);
  });
});
