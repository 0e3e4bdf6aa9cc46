import { describe, expect, test } from "vitest";
import { addDim, mulDim, symbol } from "../dim.ts";
import { buildGraph, type Graph, type ParameterData } from "../graph.ts";
import { createRuntime } from "../index.ts";
import { defineOp } from "../ops/definition.ts";
import { compile } from "../run/runtime.ts";
import { Scope } from "../scope.ts";
import type { Tensor } from "../tensor.ts";
import { type EmitOptions, emitModel } from "./emitter.ts";
import { serializeModel } from "./model.ts";

const [batch, time] = [symbol("batch"), symbol("time")];

const stored = (shape: number[], values = new Float32Array(shape.reduce((p, d) => p * d, 1))): ParameterData => ({
  dtype: "F32",
  shape,
  read: async () => new Uint8Array(values.buffer),
});
const emit = (body: (g: Graph) => Record<string, Tensor>, options?: EmitOptions) =>
  emitModel(buildGraph("g", body), options);
const count = (model: ReturnType<typeof emit>, type: string) => model.nodes.filter((n) => n.type === type).length;
const serialize = (model: ReturnType<typeof emit>) =>
  serializeModel(model, (i) => ({ location: "w", offset: 0, length: i.byteLength }));

describe("names", () => {
  test("an input and a parameter of one name are refused", () => {
    const model = emit((g) => ({ y: g.input("w", [2]).add(g.parameter("w", stored([2]))) }));
    expect(() => serialize(model)).toThrow("graph g: two values are called w");
  });

  test("an output called as an input is refused", () => {
    const model = emit((g) => ({ x: g.input("x", [2]).exp() }));
    expect(() => serialize(model)).toThrow("graph g: two values are called x");
  });

  test("a parameter called as a constant is refused", () => {
    const model = emit((g) => ({
      y: g
        .input("x", [1])
        .add(2)
        .add(g.parameter("constant_0", stored([1]))),
    }));
    expect(() => serialize(model)).toThrow("two values are called constant_0");
  });

  test("nodes are named after the scope that was being built", () => {
    const model = emit((g) => {
      const p = new Scope(g, () => stored([4])).at("layers", 3);
      return {
        y: g
          .input("x", [4])
          .add(p.tensor("bias", [4]))
          .exp(),
      };
    });
    expect(model.nodes.map((n) => n.name)).toEqual(["layers.3/Add_0", "layers.3/Exp_1"]);
    expect(model.outputs).toMatchObject([{ name: "y", dtype: "float32", shape: [4] }]);
    expect(() => serialize(model)).not.toThrow();
  });

  test("one value may be given out twice, an input too", () => {
    const model = emit((g) => {
      const x = g.input("x", [2]);
      const y = x.exp();
      return { a: y, b: y, c: x };
    });
    expect(count(model, "Exp")).toBe(1);
    expect(count(model, "Identity")).toBe(2);
    expect(() => serialize(model)).not.toThrow();
  });
});

test("nodes, parameters and constants that no output needs are left out", () => {
  const model = emit((g) => {
    const x = g.input("x", [2]);
    x.exp()
      .add(g.parameter("unused", stored([2])))
      .mul(7);
    g.constant(5);
    return { y: x.tanh() };
  });
  expect(model.nodes.map((n) => n.type)).toEqual(["Tanh"]);
  expect(model.initializers).toEqual([]);
  expect(model.inline).toEqual([]);
});

test("equal small constants are stored once", () => {
  const model = emit((g) => {
    const x = g.input("x", [batch, 6]);
    return { y: x.add(2).mul(2).clamp(2).add(3).reshape([batch, 2, 3]), z: x.mul(4).reshape([batch, 2, 3]) };
  });
  const floats = model.inline.filter((t) => t.elementType === 1).map((t) => new Float32Array(t.raw.buffer)[0]);
  expect(floats.sort()).toEqual([2, 3, 4]);
  expect(model.inline.filter((t) => t.elementType === 7).length).toBe(1);
});

test("constants of one content but other types or shapes stay apart", () => {
  const model = emit((g) => ({
    a: g.input("x", [1]).add(g.constant(new Float32Array(1), [1])),
    b: g.input("y", [1], "int32").add(g.constant(new Int32Array(1), [1])),
    c: g.input("z", []).add(g.constant(0)),
  }));
  expect(model.inline.map((t) => [t.elementType, t.shape])).toEqual([
    [1, [1]],
    [6, [1]],
    [1, []],
  ]);
});

describe("reshape", () => {
  const target = (model: ReturnType<typeof emit>, index = 0) => {
    const reshape = model.nodes.filter((n) => n.type === "Reshape")[index];
    const constant = model.inline.find((t) => t.name === reshape?.inputs[1]);
    return constant && [...new BigInt64Array(constant.raw.buffer)].map(Number);
  };

  test("copied sizes and one open one make a constant target", () => {
    const model = emit((g) => ({ y: g.input("x", [batch, time, 12]).reshape([batch, time, 3, 4]) }));
    expect(target(model)).toEqual([0, 0, 3, 4]);
    const merged = emit((g) => ({ y: g.input("x", [batch, time, 12]).reshape([batch, mulDim(time, 3), 4]) }));
    expect(target(merged)).toEqual([0, -1, 4]);
    expect(count(merged, "Shape")).toBe(0);
  });

  test("several moved dynamic sizes are computed, and computed once", () => {
    const model = emit((g) => {
      const x = g.input("x", [batch, mulDim(time, 4), 6]);
      const moved = [3, time, batch, 8] as const;
      return { y: x.reshape(moved), z: x.exp().reshape(moved) };
    });
    expect(target(model)).toBeUndefined();
    expect(count(model, "Reshape")).toBe(2);
    expect(count(model, "Shape")).toBe(2);
    expect(count(model, "Concat")).toBe(1);
    expect(count(model, "Div")).toBe(1); // time = size of the axis / 4
  });
});

test("a size that no input tells is refused when the graph is emitted", () => {
  const body = (g: Graph) => ({ y: g.input("x", [1, 3]).expand([addDim(symbol("nowhere"), 1), 3]) });
  expect(() => emit(body)).toThrow("graph g: no input tells the size of nowhere");
});

test("a half-precision parameter is stored as it is and cast once", () => {
  const model = emit((g) => {
    const w = g.parameter("w", { ...stored([2]), dtype: "F16" });
    return { y: g.input("x", [2]).add(w).mul(w) };
  });
  expect(model.initializers).toMatchObject([{ name: "w", dtype: "F16", byteLength: 4 }]);
  expect(count(model, "Cast")).toBe(1);
});

describe("int8", () => {
  const quantize = (name: string) => name.endsWith("weight");
  const read = async (model: ReturnType<typeof emit>) => {
    for (const i of model.initializers) expect((await i.read()).length, i.name).toBe(i.byteLength);
  };

  test("a chosen weight of linear layers is never stored in float, and read once", async () => {
    let reads = 0;
    const weight: ParameterData = {
      ...stored([3, 2]),
      async read() {
        reads++;
        return new Uint8Array(24);
      },
    };
    const model = emit(
      (g) => {
        const w = g.parameter("fc.weight", weight);
        const x = g.input("x", [time, 2]);
        return { y: x.linear(w, g.parameter("fc.bias", stored([3]))), z: x.linear(w) };
      },
      { quantize },
    );
    expect(model.initializers.map((i) => [i.name, i.dtype, i.shape])).toEqual([
      ["fc.weight.int8", "I8", [2, 3]],
      ["fc.weight.scale", "F32", [3]],
      ["fc.bias", "F32", [3]],
    ]);
    expect(count(model, "MatMulInteger")).toBe(2);
    expect(count(model, "DynamicQuantizeLinear")).toBe(1);
    await read(model);
    expect(reads).toBe(1);
  });

  test("scaled layers and weights not chosen stay float", () => {
    const model = emit(
      (g) => {
        const x = g.input("x", [time, 2]);
        return {
          y: x.linear(g.parameter("a.weight", stored([3, 2])), undefined, 0.5),
          z: x.linear(g.parameter("b.table", stored([3, 2]))),
        };
      },
      { quantize },
    );
    expect(model.initializers.map((i) => i.name)).toEqual(["a.weight", "b.table"]);
    expect(count(model, "Gemm")).toBe(2);
  });
});

describe("recurrences", () => {
  /** Running sums of `decay`ed values: y[t] = decay · y[t − 1] + x[t]. */
  const decayed = defineOp<undefined>({
    name: "decayed",
    infer: ([x]) => [{ dtype: "float32", shape: x!.shape }],
    emit(e, [x, decay]) {
      const shape = x!.shape.slice(1);
      const [zeros] = e.shared("Expand", [e.constant(new Float32Array(1), []), e.dims(shape)]);
      const sums = e.scan({ value: zeros!, dtype: "float32", shape }, x!, (before, value) => {
        const [less] = e.shared("Mul", [before, decay!.value]);
        return e.node("Add", [less!, value])[0]!;
      });
      return [sums];
    },
  });
  const body = (g: Graph) => {
    const x = g.input("x", [time, 2]);
    const decay = g.input("halved", []).mul(0.5);
    const once = g.apply(decayed, [x, decay], undefined)[0]!;
    return { decay, once, twice: g.apply(decayed, [once, decay], undefined)[0]! };
  };

  test("use values around them, which may be outputs of the whole", async () => {
    const runtime = await createRuntime({ device: "cpu", threads: 1 });
    const program = await compile(runtime, buildGraph("g", body));
    const x = { data: Float32Array.of(1, 0, 0, 8, 4, 0), shape: [3, 2] };
    const { decay, once, twice } = await program.run({ x, halved: { data: Float32Array.of(1), shape: [] } });
    expect([...decay!.data]).toEqual([0.5]);
    expect([...once!.data]).toEqual([1, 0, 0.5, 8, 4.25, 4]);
    expect([...twice!.data]).toEqual([1, 0, 1, 8, 4.75, 8]);
    await program.dispose();
    await runtime.dispose();
  });

  test("two values of one name within are refused", () => {
    const model = emit(body);
    const scan = model.nodes.find((n) => n.type === "Scan")!;
    expect(() => serialize({ ...model, nodes: [...model.nodes, { ...scan, outputs: ["a", "b"] }] })).toThrow(
      /two values are called Scan_.*state/,
    );
  });
});
