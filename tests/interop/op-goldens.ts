/**
 * Runs the operator goldens of tests/fixtures/ops on a runtime. Free of Node and of the test framework, so that the same
 * code checks the runtimes of Node and, bundled into a page, of browsers.
 */
import {
  addDim,
  buildGraph,
  compile,
  type Dim,
  type DType,
  evaluateDim,
  type Graph,
  mulDim,
  type NumericArray,
  type Program,
  type Runtime,
  symbol,
  type Tensor,
  type TensorData,
} from "../../packages/graph/src/index.ts";
import * as ctc from "../../packages/graph/src/ops/ctc.ts";
import type { OpDefinition } from "../../packages/graph/src/ops/definition.ts";
import * as elementwise from "../../packages/graph/src/ops/elementwise.ts";
import * as linear from "../../packages/graph/src/ops/linear.ts";
import * as loss from "../../packages/graph/src/ops/loss.ts";
import * as reduce from "../../packages/graph/src/ops/reduce.ts";
import * as shape from "../../packages/graph/src/ops/shape.ts";

type Stored = number | "Infinity" | "-Infinity";
type StoredDim = number | string;

export interface GoldenRun {
  readonly sizes: Readonly<Record<string, number>>;
  readonly inputs: readonly (readonly Stored[])[];
  readonly outputs: readonly { readonly dtype: DType; readonly shape: readonly number[]; readonly data: Stored[] }[];
}

export interface GoldenCase {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly {
    readonly dtype: DType;
    readonly shape: readonly StoredDim[];
    readonly constant?: boolean;
  }[];
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly runs: readonly GoldenRun[];
}

export interface GoldenFile {
  readonly torch: string;
  readonly cases: readonly GoldenCase[];
}

/** Operators among the exports of a module. */
export const operatorsIn = (module: object): OpDefinition[] =>
  Object.values(module).filter((v): v is OpDefinition => typeof v === "object" && v !== null && "emit" in v);

const operators = new Map(
  [ctc, elementwise, linear, loss, reduce, shape].flatMap(operatorsIn).map((op) => [op.name, op]),
);

/** `3`, `time`, `4*time`, `2*time+1`; a number when sizes are given. */
function readDim(text: StoredDim, sizes?: GoldenRun["sizes"]): Dim {
  if (typeof text === "number") return text;
  const match = /^(?:(-?\d+)\*)?([a-z]+)([+-]\d+)?$/.exec(text);
  if (!match) throw new Error(`not a dimension: ${text}`);
  const [, scale = "1", name, offset = "0"] = match;
  const d = addDim(mulDim(symbol(name as string), Number(scale)), Number(offset));
  return sizes ? evaluateDim(d, sizes) : d;
}

/** Attributes that may be symbolic. */
const DIMENSIONS = new Set(["start", "end", "count", "size", "dim", "before", "after"]);

function readAttributes(attributes: GoldenCase["attributes"], sizes?: GoldenRun["sizes"]): Record<string, unknown> {
  const read = (key: string, value: unknown): unknown => {
    if (key === "shape") return (value as StoredDim[]).map((d) => readDim(d, sizes));
    return DIMENSIONS.has(key) ? readDim(value as StoredDim, sizes) : value;
  };
  return Object.fromEntries(Object.entries(attributes).map(([k, v]) => [k, read(k, v)]));
}

function typedArray(dtype: DType, values: readonly Stored[]): TensorData {
  if (dtype === "float32") return Float32Array.from(values, Number);
  if (dtype === "int32") return Int32Array.from(values, Number);
  return dtype === "int64" ? BigInt64Array.from(values, BigInt) : Uint8Array.from(values, Number);
}

const inputName = (i: number) => `input${i}`;

/** The graph of one case: with dynamic sizes, or with those of one run; its constant inputs are parameters. */
export function buildCase(c: GoldenCase, run?: GoldenRun): Graph {
  const op = operators.get(c.op);
  if (!op) throw new Error(`no operator is called ${c.op}`);
  return buildGraph(c.op, (g) => {
    const inputs = c.inputs.map(({ dtype, shape, constant }, i): Tensor => {
      if (!constant || dtype === "bool") {
        return g.input(
          inputName(i),
          shape.map((d) => readDim(d, run?.sizes)),
          dtype,
        );
      }
      const values = typedArray(dtype, c.runs[0]?.inputs[i] as Stored[]);
      return g.parameter(`weight${i}`, {
        dtype: dtype === "float32" ? "F32" : dtype === "int64" ? "I64" : "I32",
        shape: shape as number[],
        read: async () => new Uint8Array(values.buffer.slice(0) as ArrayBuffer),
      });
    });
    const outputs = g.apply(op, inputs, readAttributes(c.attributes, run?.sizes));
    return Object.fromEntries(outputs.map((t, i) => [`output${i}`, t]));
  });
}

/** Largest error of float outputs relative to max(1, |expected|); other mismatches throw. */
async function checkRun(program: Program, graph: Graph, c: GoldenCase, run: GoldenRun): Promise<number> {
  const feeds: Record<string, NumericArray> = {};
  for (const [i, { dtype, shape }] of c.inputs.entries()) {
    if (!graph.inputs.some((t) => t.name === inputName(i))) continue;
    const sizes = shape.map((d) => readDim(d, run.sizes) as number);
    feeds[inputName(i)] = { data: typedArray(dtype, run.inputs[i] as Stored[]), shape: sizes };
  }
  const results = await program.run(feeds);
  let worst = 0;
  for (const [i, want] of run.outputs.entries()) {
    const symbolic = graph.outputs[`output${i}`] as Tensor;
    const promised = symbolic.shape.map((d) => evaluateDim(d, run.sizes));
    const got = results[`output${i}`] as NumericArray;
    const fail = (what: string) => new Error(`output ${i} at ${JSON.stringify(run.sizes)}: ${what}`);
    if (symbolic.dtype !== want.dtype) throw fail(`the shape rule says ${symbolic.dtype}, expected ${want.dtype}`);
    if (`${promised}` !== `${want.shape}`) throw fail(`the shape rule says [${promised}], expected [${want.shape}]`);
    if (`${got.shape}` !== `${want.shape}`) throw fail(`shape [${got.shape}], expected [${want.shape}]`);
    const expected = typedArray(want.dtype, want.data);
    if (got.data.constructor !== expected.constructor) throw fail(`a ${got.data.constructor.name}`);
    if (got.data.length !== expected.length) throw fail(`${got.data.length} values, expected ${expected.length}`);
    for (const [j, w] of expected.entries()) {
      const g = got.data[j] as number | bigint;
      if (g === w) continue;
      if (typeof w === "bigint" || typeof g === "bigint" || want.dtype !== "float32")
        throw fail(`value ${j} is ${g}, expected ${w}`);
      const error = Math.abs(g - w) / Math.max(1, Math.abs(w));
      if (!Number.isFinite(error)) throw fail(`value ${j} is ${g}, expected ${w}`);
      worst = Math.max(worst, error);
    }
  }
  return worst;
}

/** Runs a case with dynamic sizes (one program for all its runs) and once more for each run with fixed sizes. */
export async function checkCase(runtime: Runtime, c: GoldenCase): Promise<number> {
  let worst = 0;
  const dynamic = c.inputs.some((i) => i.shape.some((d) => typeof d === "string"));
  for (const runs of dynamic ? [c.runs, ...c.runs.map((r) => [r])] : [c.runs]) {
    const graph = buildCase(c, runs === c.runs ? undefined : runs[0]);
    const program = await compile(runtime, graph);
    try {
      for (const run of runs) worst = Math.max(worst, await checkRun(program, graph, c, run));
    } finally {
      await program.dispose();
    }
  }
  return worst;
}
