import { expect, test } from "vitest";
import { addDim, type Dim, mulDim, symbol } from "./dim.ts";
import { GraphError } from "./errors.ts";
import { buildGraph, type DType, Graph } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

const [batch, time] = [symbol("batch"), symbol("time")];
type Body = (x: (shape: Dim[], dtype?: DType) => Tensor) => unknown;

const wrong: [what: string, body: Body, message: string][] = [
  ["add of two types", (x) => x([2]).add(x([2], "int32")), "add: types differ: float32 and int32"],
  ["add of different dynamic sizes", (x) => x([batch]).add(x([time])), "[batch] and [time] do not broadcast"],
  ["exp of integers", (x) => x([2], "int64").exp(), "exp: needs float32, got int64"],
  ["clamp of integers", (x) => x([2], "int32").clamp(0), "clamp: needs float32"],
  ["where on floats", (x) => x([2]).where(1, 2), "where: needs bool, got float32"],
  ["where of two types", (x) => x([2], "bool").where(x([2]), x([2], "int64")), "where: types differ"],
  ["reshape to another size", (x) => x([batch, 6]).reshape([batch, 5]), "[batch, 6] has not the size of [batch, 5]"],
  ["reshape that does not divide", (x) => x([time, 6]).reshape([-1, 4]), "[time, 6] does not divide into [-1, 4]"],
  ["pairs of an unknown length", (x) => x([time]).reshape([-1, 2]), "[time] does not divide into [-1, 2]"],
  ["transpose that repeats an axis", (x) => x([2, 3]).transpose(0, 0), "permutation [0,0] of 2 axes"],
  ["transpose of fewer axes", (x) => x([2, 3]).transpose(0), "permutation [0] of 2 axes"],
  ["slice past the end", (x) => x([2, 3]).slice(1, 0, 4), "slice to 4 of an axis of 3"],
  ["slice from the end", (x) => x([5]).slice(0, -3, 5), "slice from -3 to 5"],
  ["slice backwards", (x) => x([5]).slice(0, 3, 1), "slice from 3 to 1"],
  ["an axis too many", (x) => x([2, 3]).softmax(2), "softmax: axis 2 of a tensor with 2 axes"],
  ["an axis before the first", (x) => x([2, 3]).mean(-3), "mean: axis -3 of a tensor with 2 axes"],
  ["concat of other widths", (x) => x([2, 3]).concat(0, x([2, 4])), "[2, 4] does not join [2, 3] on axis 0"],
  ["concat of other types", (x) => x([2]).concat(0, x([2], "int64")), "does not join"],
  ["expand to fewer axes", (x) => x([2, 3]).expand([3]), "[2, 3] does not expand to [3]"],
  ["expand of another size", (x) => x([2, 3]).expand([4, 3]), "[2, 3] does not expand to [4, 3]"],
  ["matmul of other inner sizes", (x) => x([2, 3]).matmul(x([4, 5])), "inner sizes differ: [2, 3] · [4, 5]"],
  ["matmul of a vector", (x) => x([3]).matmul(x([3, 5])), "matmul: needs matrices"],
  ["linear with a long bias", (x) => x([2, 3]).linear(x([4, 3]), x([5])), "bias [5] for 4 outputs"],
  [
    "conv1d of other channels",
    (x) => x([1, 4, time]).conv1d(x([6, 5, 3]), undefined),
    "[6, 5, 3] in 1 groups does not",
  ],
  ["conv1d of wrong groups", (x) => x([1, 4, time]).conv1d(x([6, 4, 3]), undefined, { groups: 2 }), "in 2 groups"],
  ["conv1d with a long bias", (x) => x([1, 4, 9]).conv1d(x([6, 4, 3]), x([5])), "bias [5] for 6 channels"],
  [
    "convTranspose1d of other channels",
    (x) => x([1, 4, 9]).convTranspose1d(x([5, 2, 3]), undefined, { stride: 2, padding: 0 }),
    "[5, 2, 3] does not apply to [1, 4, 9]",
  ],
  ["layerNorm of another width", (x) => x([2, 3]).layerNorm(x([3]), x([4])), "layerNorm: last axis is 3"],
  ["groupNorm that does not divide", (x) => x([1, 6, 9]).groupNorm(4, x([6]), x([6])), "4 groups of 6 channels"],
];

test.each(wrong)("refuses %s", (_, body, message) => {
  const graph = new Graph("g");
  let count = 0;
  const build = () => body((shape, dtype) => graph.input(`x${count++}`, shape, dtype));
  expect(build).toThrow(GraphError);
  count += 10;
  expect(build).toThrow(message);
});

test("dynamic sizes follow the rules", () => {
  const graph = new Graph("g");
  const x = graph.input("x", [batch, 8, mulDim(time, 4)]);
  const weight = graph.constant(new Float32Array(16 * 8 * 3), [16, 8, 3]);
  const y = x.conv1d(weight, undefined, { stride: 2, padding: [1, 1] });
  expect(`${y.shape}`).toBe("batch,16,2*time");
  expect(`${y.transpose(0, 2, 1).reshape([batch, time, 32]).shape}`).toBe("batch,time,32");
  expect(`${x.pad(2, 1, 2).dim(-1)}`).toBe("4*time+3");
  expect(`${x.concat(2, x).slice(2, 1, addDim(time, 1)).dim(2)}`).toBe("time");
  expect(`${x.unsqueeze(-1).shape}`).toBe("batch,8,4*time,1");
});

test("an input of another graph is refused", () => {
  const other = new Graph("other").input("x", [2]);
  expect(() => new Graph("g").input("x", [2]).add(other)).toThrow("add: an input belongs to another graph (other)");
});

test("names and sizes are checked", () => {
  expect(() =>
    buildGraph("g", (g) => {
      g.input("x", [2]);
      return { y: g.input("x", [3]) };
    }),
  ).toThrow("graph g: two inputs are called x");
  expect(() => new Graph("g").constant(new Float32Array(5), [2, 3])).toThrow(
    "constant of shape [2, 3] needs 6 values, got 5",
  );
});
