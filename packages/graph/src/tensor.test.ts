import { expect, test } from "vitest";
import { Graph } from "./graph.ts";
import { Tensor } from "./tensor.ts";

type Method = [name: string, call: (x: Tensor, g: Graph) => unknown, attributes?: object | undefined, inputs?: number];

const ones = (g: Graph, ...shape: number[]) => g.constant(new Float32Array(shape.reduce((p, d) => p * d, 1)), shape);
const unary = [
  ...([
    "exp",
    "log",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "sign",
    "abs",
    "sqrt",
    "softplus",
    "erf",
    "gelu",
    "elu",
  ] as const),
  "detach",
] as const;
const binary = ["add", "sub", "mul", "div", "less"] as const;
const reductions = ["mean", "max", "sum", "sumSquares"] as const;

const methods: Method[] = [
  ...unary.map((name): Method => [name, (x) => x[name]()]),
  ...binary.map((name): Method => [name, (x) => x[name](2), undefined, 2]),
  ...reductions.map((name): Method => [name, (x) => x[name](1, true), { axis: 1, keepDims: true }]),
  ["leakyRelu", (x) => x.leakyRelu(0.1), { slope: 0.1 }],
  ["clamp", (x) => x.clamp(-1, 1), { minimum: -1, maximum: 1 }],
  ["cast", (x) => x.cast("int32"), { to: "int32" }],
  ["where", (x) => x.less(0).where(x, 1), undefined, 3],
  ["reshape", (x) => x.reshape([6, 4]), { shape: [6, 4] }],
  ["transpose", (x) => x.transpose(0, 2, 1), { permutation: [0, 2, 1] }],
  ["slice", (x) => x.slice(1, 0, 2), { axis: 1, start: 0, end: 2 }],
  ["concat", (x) => x.concat(1, x, x), { axis: 1 }, 3],
  ["gather", (x, g) => x.gather(g.constant(new Int32Array(1), [1]), 2), { axis: 2 }, 2],
  ["pad", (x) => x.pad(2, 1, 0, "reflect"), { axis: 2, before: 1, after: 0, mode: "reflect" }],
  ["expand", (x) => x.expand([5, 2, 3, 4]), { shape: [5, 2, 3, 4] }],
  ["matmul", (x, g) => x.matmul(ones(g, 4, 5)), undefined, 2],
  ["linear", (x, g) => x.linear(ones(g, 5, 4), ones(g, 5), 2), { alpha: 2 }, 3],
  ["conv1d", (x, g) => x.conv1d(ones(g, 5, 3, 1), undefined, { stride: 2 }), { stride: 2 }, 2],
  [
    "convTranspose1d",
    (x, g) => x.convTranspose1d(ones(g, 3, 5, 4), ones(g, 5), { stride: 2, padding: 1 }),
    { stride: 2, padding: 1 },
    3,
  ],
  ["softmax", (x) => x.softmax(1), { axis: 1 }],
  ["layerNorm", (x, g) => x.layerNorm(ones(g, 4), ones(g, 4), 1e-3), { epsilon: 1e-3 }, 3],
  ["groupNorm", (x, g) => x.groupNorm(3, ones(g, 3), ones(g, 3), 1e-3), { groups: 3, epsilon: 1e-3 }, 3],
  ["stride", (x) => x.stride(2, 0, 2, 2), { axis: 2, start: 0, step: 2, count: 2 }],
  ["scatterRows", (x, g) => x.scatterRows(g.constant(new Int32Array(3), [3]), 1, 7), { axis: 1, size: 7 }, 2],
  ["rowProducts", (x) => x.rowProducts(x, 2), { alpha: 2 }, 2],
  [
    "linearCrossEntropy",
    (x, g) => x.linearCrossEntropy(ones(g, 9, 4), g.constant(new Int32Array(6), [2, 3])),
    undefined,
    3,
  ],
  [
    "ctcLoss",
    (x, g) => x.ctcLoss(g.constant(new Int32Array(10), [2, 5]), g.constant(new Int32Array(2), [2])),
    undefined,
    3,
  ],
  ["argMax", (x) => x.argMax(-1), { axis: -1 }],
  ["smallest", (x) => x.smallest(2), { k: 2 }],
];

test.each(methods)("%s applies the operator of its name", (name, call, attributes, inputs = 1) => {
  const graph = new Graph("g");
  const x = graph.input("x", [2, 3, 4]);
  call(x, graph);
  const node = graph.nodes.at(-1);
  expect(node?.op.name).toBe(name);
  expect(node?.attributes).toEqual(attributes);
  expect(node?.inputs.length).toBe(inputs);
  if (name !== "where") expect(node?.inputs[0]).toBe(x);
});

test("every method of a tensor is listed above", () => {
  const helpers = ["constructor", "dim", "unsqueeze", "flip"];
  const own = Object.getOwnPropertyNames(Tensor.prototype).filter((name) => !helpers.includes(name));
  const fields = Object.keys(new Graph("g").input("x", [1])).filter((k) => k === "cast");
  expect(methods.map(([name]) => name).sort()).toEqual([...own, ...fields].sort());
});

test("a cast to its own type is nothing", () => {
  const graph = new Graph("g");
  const x = graph.input("x", [2]);
  expect(x.cast("float32")).toBe(x);
  expect(graph.nodes).toEqual([]);
});
