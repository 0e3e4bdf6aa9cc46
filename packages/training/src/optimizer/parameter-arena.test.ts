import { buildGraph, compile, createRuntime, Scope } from "@uat/graph";
import { describe, expect, test } from "vitest";
import { ParameterArena } from "./parameter-arena.ts";
import { contiguousRuns } from "./runs.ts";

const specs = [
  { name: "a", shape: [3, 7] },
  { name: "b", shape: [] },
  { name: "c", shape: [16] },
  { name: "d", shape: [2, 0] },
];

describe("layout", () => {
  test("in the order given, each at a multiple of 64 bytes", () => {
    const arena = ParameterArena.zeros(specs);
    expect(arena.entries.map(({ name, offset, length }) => [name, offset, length])).toEqual([
      ["a", 0, 21],
      ["b", 32, 1],
      ["c", 48, 16],
      ["d", 64, 0],
    ]);
    expect(arena.values.length).toBe(64);
  });

  test("groups lie side by side, first", () => {
    const arena = ParameterArena.zeros(specs, [["c", "missing"], ["b"]]);
    expect(arena.entries.map((e) => e.name)).toEqual(["c", "b", "a", "d"]);
  });

  test("views share the arena's memory", () => {
    const arena = ParameterArena.zeros(specs);
    arena.view("c")[2] = 5;
    expect(arena.values[50]).toBe(5);
    expect(arena.array("a")).toEqual({ data: new Float32Array(21), shape: [3, 7] });
  });

  test("a companion of some parameters keeps their order and finds them", () => {
    const arena = ParameterArena.zeros(specs);
    const companion = arena.companion(["c", "a"]);
    expect(companion.entries.map(({ name, offset }) => [name, offset])).toEqual([
      ["a", 0],
      ["c", 32],
    ]);
    expect(companion.has("b")).toBe(false);
    expect(arena.matches(arena.companion())).toBe(true);
    expect(arena.matches(companion)).toBe(false);
    expect(companion.matches(arena.companion(["a", "c"]))).toBe(true);
  });

  test("stretches that lie side by side in both are joined", () => {
    const arena = ParameterArena.zeros(specs);
    const companion = arena.companion(["a", "c", "d"]);
    expect(contiguousRuns(arena, companion.entries)).toEqual([
      { start: 0, companionStart: 0, length: 21 },
      { start: 48, companionStart: 32, length: 16 },
    ]);
    expect(contiguousRuns(arena, arena.entries)).toEqual([{ start: 0, companionStart: 0, length: 64 }]);
  });
});

test("graphs are built from it", async () => {
  const values = Float32Array.from([1, 2, 3, 4, 5, 6]);
  const arena = ParameterArena.from([
    { name: "other", shape: [1], values: Float32Array.of(9) },
    { name: "layer.weight", shape: [2, 3], values },
  ]);
  const graph = buildGraph("linear", (g) => ({
    y: g.input("x", [1, 3]).linear(new Scope(g, arena.source).at("layer").tensor("weight", [2, 3])),
  }));
  const runtime = await createRuntime({ device: "cpu", threads: 1 });
  const program = await compile(runtime, graph);
  const { y } = await program.run({ x: { data: Float32Array.of(1, 1, 1), shape: [1, 3] } });
  expect([...(y!.data as Float32Array)]).toEqual([6, 15]);
  await program.dispose();
  await runtime.dispose();
});

describe("errors", () => {
  test("name twice", () =>
    expect(() => ParameterArena.zeros([specs[0]!, specs[0]!])).toThrow("two parameters called a"));
  test("values that do not fit the shape", () =>
    expect(() => ParameterArena.from([{ name: "w", shape: [2, 2], values: new Float32Array(3) }])).toThrow(
      "parameter w of shape [2,2] needs 4 values, got 3",
    ));
  test("unknown names", () => {
    const arena = ParameterArena.zeros(specs);
    expect(() => arena.view("e")).toThrow("no parameter called e");
    expect(() => arena.companion(["e"])).toThrow("no parameter called e");
  });
  test("more memory than there is", () =>
    expect(() => ParameterArena.zeros([{ name: "w", shape: [2 ** 20, 2 ** 20] }])).toThrow(
      "1099511627776 parameters need 4096.0 GiB in one piece",
    ));
});
