/**
 * Does a graphics card compute what the processor computes? Drivers exist that return wrong or stale values without an
 * error, and a model that trains on those is lost silently. A small network with its gradients tells before it is used:
 * convolution, normalisation, attention, a table that is looked up, cross-entropy, at sizes that fill no whole tile.
 */
import { gradients } from "../autodiff.ts";
import { type Dim, symbol } from "../dim.ts";
import { buildGraph } from "../graph.ts";
import { compile, type NumericArray, type Runtime } from "./runtime.ts";

const [BATCH, CHANNELS, TIME, WIDTH, WORDS, LENGTH] = [2, 10, 75, 36, 50, 21];
/** Of an output's largest value. Two right devices differ by 1e-5 at most, what is wrong is wrong by far more. */
const TOLERANCE = 1e-3;

const SHAPES: Readonly<Record<string, readonly number[]>> = {
  x: [BATCH, CHANNELS, TIME],
  kernel: [WIDTH, CHANNELS, 3],
  scale: [WIDTH],
  bias: [WIDTH],
  weight: [WIDTH, WIDTH],
  table: [WORDS, WIDTH],
};

const network = () =>
  buildGraph("self-test", (g) => {
    const input = (name: string, shape: readonly Dim[] = SHAPES[name] as number[]) => g.input(name, shape);
    const [batch, time, length] = [symbol("batch"), symbol("time"), symbol("length")];
    const x = input("x", [batch, CHANNELS, time]);
    const [kernel, scale, bias, weight, table] = [
      input("kernel"),
      input("scale"),
      input("bias"),
      input("weight"),
      input("table"),
    ];
    const ids = g.input("ids", [batch, length], "int32");
    const source = x
      .conv1d(kernel, bias, { padding: [1, 1] })
      .gelu()
      .transpose(0, 2, 1)
      .layerNorm(scale, bias);
    const words = table.gather(ids);
    const attention = words
      .linear(weight)
      .matmul(source.transpose(0, 2, 1))
      .softmax();
    const states = words.add(attention.matmul(source)).layerNorm(scale, bias);
    const { losses } = states.linearCrossEntropy(table, ids);
    const loss = losses.mean([0, 1]);
    const targets = [kernel, scale, bias, weight, table];
    return {
      loss,
      states,
      ...Object.fromEntries(gradients(loss, targets).map((t, i) => [`gradient of ${targets[i]!.name}`, t])),
    };
  });

function inputs(): Record<string, NumericArray> {
  const wave = (length: number, seed: number) =>
    Float32Array.from({ length }, (_, i) => Math.fround(Math.sin(seed + i * 12.9898) * 0.7));
  const arrays = Object.entries(SHAPES).map(([name, shape], k) => [
    name,
    {
      data: wave(
        shape.reduce((p, d) => p * d, 1),
        k,
      ),
      shape,
    },
  ]);
  const ids = Int32Array.from({ length: BATCH * LENGTH }, (_, i) => (i * 17) % WORDS);
  return { ...Object.fromEntries(arrays), ids: { data: ids, shape: [BATCH, LENGTH] } };
}

/** What is wrong with `tested`, in a few words; undefined when it gives what `trusted` gives. */
export async function differenceOf(tested: Runtime, trusted: Runtime): Promise<string | undefined> {
  const graph = network();
  const run = async (runtime: Runtime) => {
    const program = await compile(runtime, graph);
    return program.run(inputs()).finally(() => program.dispose());
  };
  const [got, want] = [await run(tested), await run(trusted)];
  for (const [name, { data }] of Object.entries(want)) {
    const error = relativeError(got[name]?.data as Float32Array, data as Float32Array);
    if (!(error <= TOLERANCE)) return `the ${name} of a small network is off by ${(100 * error).toPrecision(2)} %`;
  }
  return undefined;
}

/** Largest difference over the largest value; NaN where one of them is no number. */
function relativeError(got: Float32Array, want: Float32Array): number {
  let [difference, largest] = [0, 0];
  for (const [i, w] of want.entries()) {
    difference = Math.max(difference, Math.abs((got[i] as number) - w));
    largest = Math.max(largest, Math.abs(w));
  }
  return difference / largest;
}
