import { describe, expect, test } from "vitest";
import { symbol } from "./dim.ts";
import { GraphError } from "./errors.ts";
import { buildGraph, Graph, type ParameterData } from "./graph.ts";
import { Scope } from "./scope.ts";

const stored = (...shape: number[]): ParameterData => ({ dtype: "F32", shape, read: async () => new Uint8Array() });
const checkpoint: Record<string, ParameterData> = {
  "layers.3.fc.weight": stored(8, 4),
  "layers.3.fc.bias": stored(8),
  "embed.weight": stored(10, 4),
};
const scopeOf = (graph: Graph) => new Scope(graph, (name) => checkpoint[name]);

/** The message of the GraphError that `body` throws. */
function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(GraphError);
    expect((error as GraphError).isInputError).toBe(true);
    return (error as GraphError).message;
  }
  throw new Error("nothing was thrown");
}

test("a scope names parameters as the checkpoint does", () => {
  const graph = new Graph("g");
  const fc = scopeOf(graph).at("layers", 3).at("fc");
  expect(fc.path).toBe("layers.3.fc");
  expect(fc.has("bias")).toBe(true);
  expect(fc.has("gate")).toBe(false);
  const weight = fc.tensor("weight", [8, 4]);
  expect(weight).toMatchObject({ name: "layers.3.fc.weight", shape: [8, 4], dtype: "float32" });
  expect(fc.tensor("weight", [8, 4])).toBe(weight);
  expect([...graph.parameters.keys()]).toEqual(["layers.3.fc.weight"]);
});

describe("a parameter is refused in one line", () => {
  const fc = scopeOf(new Graph("g")).at("layers", 3, "fc");

  test("when the checkpoint lacks it", () => {
    expect(refusal(() => fc.tensor("gate", [8, 4]))).toBe(
      "the checkpoint has no tensor layers.3.fc.gate (expected shape [8, 4])",
    );
  });

  test.each([[[8, 5]], [[4, 8]], [[8]], [[8, 4, 1]]])("when its shape is not %j", (shape) => {
    expect(refusal(() => fc.tensor("weight", shape))).toBe(
      `tensor layers.3.fc.weight has shape [8, 4] in the checkpoint, the configuration asks for [${shape.join(", ")}]`,
    );
  });

  test("when a table has too few rows", () => {
    const embed = scopeOf(new Graph("g")).at("embed");
    expect(embed.table("weight", 6, [4]).shape).toEqual([10, 4]);
    expect(refusal(() => embed.table("weight", 11, [4]))).toBe(
      "tensor embed.weight has 10 rows, the configuration asks for at least 11",
    );
    expect(refusal(() => embed.table("other", 3, [4]))).toContain("no tensor embed.other (expected shape [3, 4])");
  });
});

describe("a broken shape rule names the layer, the operator and the parameter", () => {
  const build = (body: (g: Graph, p: Scope) => unknown) =>
    refusal(() =>
      buildGraph("g", (g) => {
        body(g, scopeOf(g).at("layers", 3, "fc"));
        return {};
      }),
    );

  test("linear", () => {
    const message = build((g, p) => g.input("x", [symbol("batch"), 5]).linear(p.tensor("weight", [8, 4])));
    expect(message).toBe(
      "layers.3.fc: linear: weight [8, 4] does not apply to a last axis of 5 (inputs: x [batch, 5], layers.3.fc.weight [8, 4])",
    );
  });

  test("add", () => {
    const message = build((g, p) => g.input("x", [symbol("time"), 3]).add(p.tensor("bias", [8])));
    expect(message).toBe(
      "layers.3.fc: add: shapes [time, 3] and [8] do not broadcast (inputs: x [time, 3], layers.3.fc.bias [8])",
    );
  });

  test("a table of the wrong type", () => {
    const message = build((g, p) => p.tensor("weight", [8, 4]).gather(g.input("x", [3])));
    expect(message).toContain("layers.3.fc: gather: indices are float32");
  });
});
