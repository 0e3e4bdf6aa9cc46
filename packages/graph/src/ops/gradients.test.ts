/** Every gradient rule against central differences, at random shapes (fast-check). */
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { operatorsIn } from "../../../../tests/interop/op-goldens.ts";
import { gradients } from "../autodiff.ts";
import { buildGraph, type Graph } from "../graph.ts";
import { createRuntime } from "../index.ts";
import { compile, type NumericArray, type Runtime } from "../run/runtime.ts";
import type { Tensor } from "../tensor.ts";

type Size = fc.Arbitrary<number>;
const small: Size = fc.integer({ min: 1, max: 4 });
const wide: Size = fc.integer({ min: 2, max: 5 });

interface Case {
  /** Shapes of the inputs, from as many sizes as the case asks for. */
  readonly sizes: readonly Size[];
  readonly shapes: (...sizes: number[]) => number[][];
  readonly apply: (inputs: Tensor[], graph: Graph, ...sizes: number[]) => Tensor;
  /** Where the inputs' values lie; (−1.5, 1.5) by default. */
  readonly range?: readonly [number, number];
  /** Values near these are avoided: the function has a corner there. */
  readonly corners?: readonly number[];
  /** No two values are near each other. */
  readonly apart?: boolean;
}

const unary = (apply: (x: Tensor) => Tensor, rest: Partial<Case> = {}): Case => ({
  sizes: [small, wide],
  shapes: (a, b) => [[a, b]],
  apply: ([x]) => apply(x!),
  ...rest,
});

/** Operands that broadcast against each other in several ways. */
const binary = (apply: (a: Tensor, b: Tensor) => Tensor, rest: Partial<Case> = {}): Case => ({
  sizes: [fc.integer({ min: 0, max: 4 }), wide, small],
  shapes: (kind, m, n) =>
    (
      [
        [
          [m, n],
          [m, n],
        ],
        [[m, n], [n]],
        [[m, 1], [n]],
        [
          [1, m, n],
          [2, 1, 1],
        ],
        [[], [m, n]],
      ] as number[][][]
    )[kind]!,
  apply: ([a, b]) => apply(a!, b!),
  ...rest,
});

const reduction = (apply: (x: Tensor, axis: number | number[], keep: boolean) => Tensor): Case => ({
  sizes: [wide, small, wide, fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 1 })],
  shapes: (a, b, c) => [[a, b, c]],
  apply: ([x], _, _a, _b, _c, kind, keep) => apply(x!, [0, 1, -1, [0, 2], [0, 1, 2]][kind!]!, keep === 1),
});

const int32 = (g: Graph, values: number[]) => g.constant(Int32Array.from(values), [values.length]);

const CASES: Record<string, Case[]> = {
  ctcLoss: [
    // labels with a repetition, without one, of no unit, and too long
    {
      sizes: [fc.integer({ min: 3, max: 6 }), fc.integer({ min: 3, max: 4 })],
      shapes: (time, units) => [[4, time, units]],
      apply: ([x], g, time) =>
        x!.ctcLoss(
          g.constant(Int32Array.of(1, 1, -1, 2, -1, -1, -1, -1, -1, 1, 2, 1), [4, 3]),
          int32(g, [time!, time! - 1, time!, 2]),
        ),
    },
  ],
  add: [binary((a, b) => a.add(b)), unary((x) => x.add(x))],
  sub: [binary((a, b) => a.sub(b))],
  mul: [binary((a, b) => a.mul(b)), unary((x) => x.mul(x))],
  div: [binary((a, b) => a.div(b), { range: [0.5, 2] })],
  exp: [unary((x) => x.exp())],
  log: [unary((x) => x.log(), { range: [0.3, 3] })],
  sin: [unary((x) => x.sin())],
  cos: [unary((x) => x.cos())],
  tanh: [unary((x) => x.tanh())],
  sigmoid: [unary((x) => x.sigmoid())],
  abs: [unary((x) => x.abs(), { corners: [0] })],
  sqrt: [unary((x) => x.sqrt(), { range: [0.3, 3] })],
  softplus: [unary((x) => x.softplus())],
  erf: [unary((x) => x.erf())],
  gelu: [unary((x) => x.gelu(), { range: [-4, 4] })],
  elu: [unary((x) => x.elu(), { corners: [0] })],
  leakyRelu: [unary((x) => x.leakyRelu(0.1), { corners: [0] })],
  clamp: [
    unary((x) => x.clamp(-0.7, 0.6), { corners: [-0.7, 0.6] }),
    unary((x) => x.clamp(0.1), { corners: [0.1] }),
    unary((x) => x.clamp(undefined, 0.1), { corners: [0.1] }),
  ],
  where: [binary((a, b) => a.less(b).where(a.mul(2), b), { range: [-1.5, 1.5] })].map((c) => ({
    ...c,
    apply: ([a, b]: Tensor[], g: Graph) =>
      g.constant(0.3).less(1).where(a!, b!).add(g.constant(1).less(0).where(a!, b!)),
  })),
  reshape: [
    { sizes: [wide, wide], shapes: (a, b) => [[a, b, 2]], apply: ([x], _, a, b) => x!.reshape([b! * 2, a!]).exp() },
  ],
  transpose: [
    {
      sizes: [wide, small],
      shapes: (a, b) => [[a, b, 3]],
      apply: ([x]) => x!.transpose(2, 0, 1).mul(x!.graph.constant(2)),
    },
  ],
  slice: [
    // overlapping, tiling, and alone
    {
      sizes: [wide],
      shapes: (n) => [[2, n + 2]],
      apply: ([x], _, n) => x!.slice(1, 0, n! + 1).mul(x!.slice(1, 1, n! + 2)),
    },
    {
      sizes: [wide],
      shapes: (n) => [[n * 2, 2]],
      apply: ([x], _, n) =>
        x!
          .slice(0, n!, 2 * n!)
          .sin()
          .mul(x!.slice(0, 0, n!)),
    },
    { sizes: [wide], shapes: (n) => [[n + 3]], apply: ([x], _, n) => x!.slice(0, 1, n!).exp() },
  ],
  concat: [
    {
      sizes: [small, wide],
      shapes: (a, b) => [
        [2, a],
        [2, b],
      ],
      apply: ([a, b]) => a!.concat(1, b!, a!).sin(),
    },
  ],
  gather: [
    { sizes: [wide], shapes: (n) => [[n, 3]], apply: ([x], g, n) => x!.gather(int32(g, [0, n! - 1, 0, 1, 0])).sin() },
    { sizes: [wide], shapes: (n) => [[2, n, 2]], apply: ([x], g, n) => x!.gather(int32(g, [1, n! - 1, 1]), 1).exp() },
    {
      sizes: [wide],
      shapes: (n) => [[n, 2]],
      apply: ([x], g) =>
        x!.gather(g.constant(BigInt64Array.of(0n, 1n, 1n, 0n), [2, 2])).add(x!.gather(int32(g, [1, 0]))),
    },
  ],
  pad: [
    { sizes: [small, small], shapes: () => [[2, 4]], apply: ([x], _, a, b) => x!.pad(1, a!, b!).exp() },
    {
      sizes: [fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })],
      shapes: () => [[2, 5]],
      apply: ([x], _, a, b) => x!.pad(1, a!, b!, "reflect").exp(),
    },
  ],
  expand: [{ sizes: [small, wide], shapes: (_, b) => [[b, 1]], apply: ([x], _, a, b) => x!.expand([a!, b!, 3]).exp() }],
  matmul: [
    {
      sizes: [small, wide, small],
      shapes: (m, k, n) => [
        [m, k],
        [k, n],
      ],
      apply: ([a, b]) => a!.matmul(b!),
    },
    {
      sizes: [small, wide, small],
      shapes: (m, k, n) => [
        [2, 1, m, k],
        [3, k, n],
      ],
      apply: ([a, b]) => a!.matmul(b!),
    },
    {
      sizes: [small, wide, small],
      shapes: (m, k, n) => [
        [2, m, k],
        [k, n],
      ],
      apply: ([a, b]) => a!.matmul(b!),
    },
  ],
  linear: [
    { sizes: [small, wide, wide], shapes: (m, k, n) => [[m, k], [n, k], [n]], apply: ([x, w, b]) => x!.linear(w!, b!) },
    {
      sizes: [small, wide, wide],
      shapes: (m, k, n) => [
        [2, m, k],
        [n, k],
      ],
      apply: ([x, w]) => x!.linear(w!, undefined, -2),
    },
  ],
  conv1d: [1, 2, 3].flatMap((stride) =>
    [1, 2].map((dilation) => ({
      sizes: [
        small,
        wide,
        wide,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 3 }),
        fc.integer({ min: 0, max: 3 }),
      ],
      shapes: (batch: number, inner: number, out: number, kernel: number) => [
        [batch, inner, 8],
        [out, inner, kernel],
        [out],
      ],
      apply: ([x, w, b]: Tensor[], _: Graph, ...[, , , , before, after]: number[]) =>
        x!.conv1d(w!, b!, { stride, dilation, padding: [before!, after!] }),
    })),
  ),
  convTranspose1d: [1, 2, 3].map((stride) => ({
    sizes: [small, wide, wide, fc.integer({ min: 3, max: 5 }), fc.integer({ min: 0, max: 1 })],
    shapes: (batch: number, inner: number, out: number, kernel: number) => [
      [batch, inner, 4],
      [inner, out, kernel],
      [out],
    ],
    apply: ([x, w, b]: Tensor[], _: Graph, ...[, , , , padding]: number[]) =>
      x!.convTranspose1d(w!, b!, { stride, padding: padding!, dilation: stride === 2 ? 2 : 1 }),
  })),
  softmax: [unary((x) => x.softmax(-1)), unary((x) => x.softmax(0))],
  layerNorm: [
    {
      sizes: [small, fc.integer({ min: 3, max: 6 })],
      shapes: (a, b) => [[2, a, b], [b], [b]],
      apply: ([x, s, b]) => x!.layerNorm(s!, b!, 1e-2),
    },
  ],
  groupNorm: [
    {
      sizes: [small, wide],
      shapes: (a, t) => [[a, 6, t], [6], [6]],
      apply: ([x, s, b]) => x!.groupNorm(2, s!, b!, 1e-2),
    },
  ],
  mean: [reduction((x, axis, keep) => x.mean(axis, keep))],
  sum: [reduction((x, axis, keep) => x.sum(axis, keep))],
  sumSquares: [reduction((x, axis, keep) => x.sumSquares(axis, keep))],
  max: [{ ...reduction((x, axis, keep) => x.max(axis, keep)), range: [-9, 9], apart: true }],
  linearCrossEntropy: [
    {
      sizes: [wide, wide, small],
      shapes: (rows, d, vocabulary) => [
        [2, rows, d],
        [vocabulary + 1, d],
      ],
      apply: ([x, table], g, rows, _, vocabulary) => {
        const labels = Int32Array.from({ length: 2 * rows! }, (_, i) => (i % 3 === 2 ? -100 : i % (vocabulary! + 1)));
        return x!.linearCrossEntropy(table!, g.constant(labels, [2, rows!])).losses;
      },
    },
  ],
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 2, thread: "calling" });
});
afterAll(() => runtime.dispose());

test("every operator with a gradient rule is checked", async () => {
  const files = readdirSync(new URL(".", import.meta.url)).filter((f) => !f.endsWith(".test.ts"));
  const modules = await Promise.all(files.map((f) => import(new URL(f, import.meta.url).href) as Promise<object>));
  const named = modules.flatMap(operatorsIn).filter((op) => op.gradient);
  expect(Object.keys(CASES).sort()).toEqual(named.map((op) => op.name).sort());
});

const STEP = 1e-2;
/** Of float32 values and differences at that step, relative to the largest gradient. */
const TOLERANCE = 2e-3;

for (const [op, cases] of Object.entries(CASES)) {
  test.each(cases.map((c, i) => [i, c] as const))(`${op} %i`, async (_, c) => {
    const property = fc.asyncProperty(fc.tuple(...c.sizes), fc.integer({ min: 1, max: 1e6 }), async (sizes, seed) => {
      const { worst, scale } = await compare(c, sizes, seed);
      expect(worst).toBeLessThan(TOLERANCE * Math.max(1, scale));
    });
    await fc.assert(property, { numRuns: 8, seed: 1 });
  });
}

/** Largest difference between the rule's gradients and central differences of Σ weight · y. */
async function compare(c: Case, sizes: number[], seed: number): Promise<{ worst: number; scale: number }> {
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const [low, high] = c.range ?? [-1.5, 1.5];
  const corners = [...(c.corners ?? [])];
  const value = (): number => {
    const v = low + (high - low) * random();
    if (corners.some((k) => Math.abs(v - k) < 3 * STEP)) return value();
    if (c.apart) corners.push(v);
    return v;
  };
  const inputs: Record<string, NumericArray> = {};
  const shapes = c.shapes(...sizes);
  for (const [i, shape] of shapes.entries()) {
    const data = Float32Array.from({ length: shape.reduce((p, d) => p * d, 1) }, value);
    inputs[`x${i}`] = { data, shape };
  }
  let weights: Float32Array = new Float32Array();
  const graph = buildGraph("gradient", (g) => {
    const xs = shapes.map((shape, i) => g.input(`x${i}`, shape));
    const y = c.apply(xs, g, ...sizes);
    const size = (y.shape as number[]).reduce((p, d) => p * d, 1);
    weights = Float32Array.from({ length: size }, () => random() - 0.5);
    const loss = y
      .mul(g.constant(weights, y.shape as number[]))
      .reshape([size])
      .sum(0);
    return { y, ...Object.fromEntries(gradients(loss, xs).map((t, i) => [`d${i}`, t])) };
  });
  const program = await compile(runtime, graph);
  const loss = async (): Promise<number> => {
    const { y } = await program.run(inputs);
    return (y!.data as Float32Array).reduce((sum, v, i) => sum + v * weights[i]!, 0);
  };
  const rules = await program.run(inputs);
  let worst = 0;
  let scale = 0;
  for (const i of shapes.keys()) {
    const { data } = inputs[`x${i}`]!;
    const rule = rules[`d${i}`]!;
    expect(rule.shape).toEqual(shapes[i]);
    for (let k = 0; k < data.length; k++) {
      const kept = data[k] as number;
      data[k] = kept + STEP;
      const above = await loss();
      data[k] = kept - STEP;
      const slope = (above - (await loss())) / (2 * STEP);
      data[k] = kept;
      worst = Math.max(worst, Math.abs(slope - (rule.data[k] as number)));
      scale = Math.max(scale, Math.abs(slope));
    }
  }
  await program.dispose();
  return { worst, scale };
}
