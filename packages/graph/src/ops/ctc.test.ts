/** What counting alignments says of long inputs; PyTorch's numbers at small sizes are among the operator goldens. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { symbol } from "../dim.ts";
import { GraphError } from "../errors.ts";
import { buildGraph, Graph } from "../graph.ts";
import { createRuntime } from "../index.ts";
import { compile, type Program, type Runtime } from "../run/runtime.ts";
import { ctcLoss } from "./ctc.ts";

const UNITS = 50;

let runtime: Runtime;
let program: Program;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 2 });
  const graph = buildGraph("ctc", (g) => {
    const [batch, time, length] = [symbol("batch"), symbol("time"), symbol("length")];
    const logits = g.input("logits", [batch, time, UNITS]);
    const labels = g.input("labels", [batch, length], "int32");
    const [losses, slopes] = g.apply(ctcLoss, [logits, labels, g.input("lengths", [batch], "int32")], undefined);
    return { losses: losses!, slopes: slopes! };
  });
  program = await compile(runtime, graph);
});
afterAll(async () => {
  await program.dispose();
  await runtime.dispose();
});

async function run(logits: Float32Array, labels: readonly (readonly number[])[], lengths: readonly number[]) {
  const batch = labels.length;
  const length = Math.max(1, ...labels.map((l) => l.length));
  const padded = Int32Array.from(
    { length: batch * length },
    (_, i) => labels[Math.floor(i / length)]![i % length] ?? -1,
  );
  const { losses, slopes } = await program.run({
    logits: { data: logits, shape: [batch, logits.length / batch / UNITS, UNITS] },
    labels: { data: padded, shape: [batch, length] },
    lengths: { data: Int32Array.from(lengths), shape: [batch] },
  });
  return { losses: losses!.data as Float32Array, slopes: slopes!.data as Float32Array };
}

/** log of n over k. */
function logChoose(n: number, k: number): number {
  let sum = 0;
  for (let i = 1; i <= k; i++) sum += Math.log((n - k + i) / i);
  return sum;
}

function generator(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

test("30 s of equal logits: every path counts the same, and T + L − R over 2L paths spell L units with R repeated", async () => {
  const time = 750;
  const spelled = Array.from({ length: 200 }, (_, i) => 1 + ((i * 7) % (UNITS - 1)));
  const repeated = spelled.map((u, i) => (i % 4 === 1 ? spelled[i - 1]! : u));
  const repeats = repeated.filter((u, i) => u === repeated[i - 1]).length;
  expect(repeats).toBeGreaterThan(40);
  const labels = [spelled, repeated, [], spelled.slice(0, 30)];
  const lengths = [time, time, time, 31];
  const { losses } = await run(new Float32Array(4 * time * UNITS).fill(3), labels, lengths);
  const paths = [logChoose(950, 400), logChoose(950 - repeats, 400), 0, logChoose(61, 60)];
  for (const [row, count] of paths.entries()) {
    const loss = lengths[row]! * Math.log(UNITS) - count;
    expect(Math.abs(losses[row]! / loss - 1)).toBeLessThan(1e-6);
  }
});

test("the slopes of a frame sum to 0, those of padding are 0, and padding changes nothing", async () => {
  const random = generator(3);
  const time = 300;
  const logits = Float32Array.from({ length: time * UNITS }, () => 20 * (random() - 0.5));
  const label = Array.from({ length: 90 }, () => 1 + Math.floor(random() * (UNITS - 1)));
  const alone = await run(logits, [label], [time]);
  for (let t = 0; t < time; t++) {
    const slopes = alone.slopes.subarray(t * UNITS, (t + 1) * UNITS);
    expect(Math.abs(slopes.reduce((sum, v) => sum + v, 0))).toBeLessThan(1e-5);
    expect(Math.max(...slopes.map(Math.abs))).toBeGreaterThan(1e-4);
  }
  const more = time + 40;
  const batch = new Float32Array(2 * more * UNITS).map(() => 20 * random());
  batch.set(logits, more * UNITS);
  const padded = await run(batch, [[...label, ...label], label], [more, time]);
  expect(Math.abs(padded.losses[1]! / alone.losses[0]! - 1)).toBeLessThan(1e-6);
  const [row, rest] = [more * UNITS, (more + time) * UNITS];
  for (const [i, v] of alone.slopes.entries()) expect(Math.abs(padded.slopes[row + i]! - v)).toBeLessThan(1e-5);
  expect(padded.slopes.subarray(rest).every((v) => v === 0)).toBe(true);
});

test("a logit that is not a number shows in the loss", async () => {
  const logits = new Float32Array(2 * 5 * UNITS);
  logits[3 * UNITS + 2] = Number.NaN;
  const { losses } = await run(logits, [[1, 2], [3]], [5, 5]);
  expect(losses[0]).toBeNaN();
  expect(losses[1]).toBeGreaterThan(0);
});

test("shapes that do not belong together are refused", () => {
  const g = new Graph("g");
  const logits = g.input("logits", [2, 5, UNITS]);
  const labels = (shape: number[], type: "int32" | "int64" = "int32") => g.input(`l${shape} ${type}`, shape, type);
  const lengths = labels([2]);
  expect(() => logits.ctcLoss(labels([3, 4]), lengths)).toThrow(GraphError);
  expect(() => logits.ctcLoss(labels([2, 4], "int64"), lengths)).toThrow(/labels are int64/);
  expect(() => logits.ctcLoss(labels([2, 4]), labels([3]))).toThrow(/lengths are int32/);
  expect(() => g.input("open", [2, 5, symbol("units")]).ctcLoss(labels([2, 6]), lengths)).toThrow(
    /known number of units/,
  );
});
