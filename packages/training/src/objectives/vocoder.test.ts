/** Losses of vocoder training and their gradients against PyTorch (tests/interop/make-vocoder-goldens.py). */
import { readFileSync } from "node:fs";
import { decoderMel } from "@uat/audio";
import {
  buildGraph,
  compile,
  createRuntime,
  type Graph,
  gradients,
  type NumericArray,
  type ParameterSource,
  type Runtime,
  Scope,
  type Tensor,
} from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { multiPeriod } from "../discriminators/multi-period.ts";
import { multiResolution } from "../discriminators/multi-resolution.ts";
import { adversarialLoss, discriminatorLoss, featureLoss, melDistance, stftLoss } from "./vocoder.ts";
import { logMel } from "./vocoder-spectra.ts";

interface Summary {
  readonly norm: number;
  readonly product: number;
}
interface Golden {
  readonly batch: number;
  readonly samples: number;
  readonly stft: { loss: number; fake: Summary };
  readonly adversarial: { loss: number; fake: Summary };
  readonly features: { loss: number; fake: Summary };
  readonly discriminator: {
    loss: number;
    shapes: Record<string, number[]>;
    gradients: Record<string, Summary>;
  };
}
const golden = JSON.parse(
  readFileSync(new URL("../../../../tests/fixtures/training/vocoder/losses.json", import.meta.url), "utf8"),
) as Golden;
const { batch, samples } = golden;
const PERIODS = { periods: [2, 3, 5], channels: [4, 6, 8] };
const RESOLUTIONS = {
  resolutions: [
    { size: 128, hop: 100, window: 120 },
    { size: 256, hop: 200, window: 256 },
  ],
  channels: 4,
};
const STFT = [
  { size: 512, hop: 120, window: 480 },
  { size: 1024, hop: 240, window: 1000 },
  { size: 256, hop: 50, window: 240 },
];

/** The script's generator. */
function uniform(name: string, count: number, scale: number): Float32Array {
  let state = 2166136261;
  for (const c of name) state = Math.imul(state ^ c.charCodeAt(0), 16777619) >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * scale;
  });
}

function sound(name: string): Float32Array {
  const noise = uniform(name, batch * samples, 0.5);
  return Float32Array.from(noise, (_, i) => {
    const row = Math.floor(i / samples) * samples;
    const at = (back: number) => noise[row + ((i - row - back + samples) % samples)]!;
    return (at(0) + at(1) + at(2)) * (0.02 + (0.58 * (i - row)) / (samples - 1));
  });
}

const real = sound("real");
const other = sound("fake");
const fake = real.map((v, i) => 0.6 * v + 0.4 * other[i]!);

const weights: ParameterSource = (name) => {
  const shape = golden.discriminator.shapes[name];
  if (!shape) return undefined;
  const size = shape.reduce((p, d) => p * d, 1);
  const fanIn = shape.length > 1 ? size / shape[0]! : 16;
  const read = async () => new Uint8Array(uniform(name, size, 1 / Math.sqrt(fanIn)).buffer);
  return { dtype: "F32", shape, read };
};

const discriminate = (x: Tensor, p: Scope) => [
  ...multiPeriod(x, p.at("period"), PERIODS),
  ...multiResolution(x, p.at("resolution"), RESOLUTIONS),
];

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ device: "cpu", threads: 2 });
});
afterAll(() => runtime.dispose());

/** Runs a graph over `fake` and `real` [batch, samples]. */
async function run(
  body: (fake: Tensor, real: Tensor, p: Scope, graph: Graph) => Record<string, Tensor>,
): Promise<Record<string, NumericArray>> {
  const graph = buildGraph("losses", (g) =>
    body(g.input("fake", [batch, samples]), g.input("real", [batch, samples]), new Scope(g, weights), g),
  );
  const program = await compile(runtime, graph);
  const shape = [batch, samples];
  const result = await program.run({ fake: { data: fake, shape }, real: { data: real, shape } });
  await program.dispose();
  return result;
}

function expectSummary(name: string, gradient: NumericArray, { norm, product }: Summary): void {
  const values = gradient.data as Float32Array;
  const vector = uniform(`${name}?`, values.length, 1);
  const got = { norm: Math.hypot(...values), product: values.reduce((sum, v, i) => sum + v * vector[i]!, 0) };
  expect(Math.abs(got.norm / norm - 1), `norm of ${name}`).toBeLessThan(1e-4);
  expect(Math.abs(got.product - product) / norm, `product of ${name}`).toBeLessThan(1e-4);
}

const value = (t: NumericArray | undefined) => (t as NumericArray).data[0] as number;

test("the graph's log-mel is the decoder's", async () => {
  const { mel } = await run((x) => ({ mel: logMel(x) }));
  expect(mel!.shape).toEqual([batch, 80, samples / 256]);
  for (let b = 0; b < batch; b++) {
    const want = decoderMel(fake.subarray(b * samples, (b + 1) * samples)).data;
    const got = mel!.data.subarray(b * want.length, (b + 1) * want.length);
    want.forEach((w, i) => {
      expect(Math.abs((got[i] as number) - w)).toBeLessThan(2e-4);
    });
  }
});

test("mel distance: zero for equal sounds, and its gradient is its slope", async () => {
  const { same, distance, slope } = await run((a, b) => {
    const loss = melDistance(a, b);
    return { same: melDistance(b, b), distance: loss, slope: gradients(loss, [a])[0]! };
  });
  expect(value(same)).toBe(0);
  expect(value(distance)).toBeGreaterThan(0.1);
  // one step down the slope lowers the distance by what the slope says
  const g = slope!.data as Float32Array;
  const step = 1e-5 / Math.hypot(...g);
  const moved = fake.map((v, i) => v - step * g[i]!);
  const graph = buildGraph("moved", (m) => {
    const [a, b, c] = ["a", "b", "c"].map((name) => m.input(name, [batch, samples])) as [Tensor, Tensor, Tensor];
    return { drop: melDistance(a, c).sub(melDistance(b, c)) };
  });
  const program = await compile(runtime, graph);
  const shape = [batch, samples];
  const { drop } = await program.run({
    a: { data: fake, shape },
    b: { data: moved, shape },
    c: { data: real, shape },
  });
  expect(value(drop) / (1e-5 * Math.hypot(...g))).toBeCloseTo(1, 1);
  await program.dispose();
});

describe("as PyTorch's", () => {
  test("multi-resolution STFT loss", async () => {
    const result = await run((a, b) => {
      const loss = stftLoss(a, b, STFT);
      return { loss, gradient: gradients(loss, [a])[0]! };
    });
    expect(value(result.loss)).toBeCloseTo(golden.stft.loss, 4);
    expectSummary("fake", result.gradient!, golden.stft.fake);
  });

  test("discriminators and their loss: every weight's gradient", async () => {
    const { loss, ...slopes } = await run((a, b, p, graph) => {
      const total = discriminatorLoss(discriminate(b, p), discriminate(a, p));
      const names = [...graph.parameters.keys()];
      const slopes = gradients(
        total,
        names.map((name) => graph.parameters.get(name)!.tensor),
      );
      return { loss: total, ...Object.fromEntries(names.map((name, i) => [`gradient ${name}`, slopes[i]!])) };
    });
    expect(value(loss)).toBeCloseTo(golden.discriminator.loss, 4);
    expect(Object.keys(slopes)).toHaveLength(Object.keys(golden.discriminator.shapes).length);
    for (const [key, gradient] of Object.entries(slopes)) {
      const name = key.replace("gradient ", "");
      expect(gradient.shape).toEqual(golden.discriminator.shapes[name]);
      expectSummary(name, gradient, golden.discriminator.gradients[name]!);
    }
  });

  test.each(["adversarial", "features"] as const)("%s loss of the generator", async (kind) => {
    const result = await run((a, b, p) => {
      const onFake = discriminate(a, p);
      const loss = kind === "adversarial" ? adversarialLoss(onFake) : featureLoss(discriminate(b, p), onFake);
      return { loss, gradient: gradients(loss, [a])[0]! };
    });
    expect(value(result.loss)).toBeCloseTo(golden[kind].loss, 4);
    expectSummary("fake", result.gradient!, golden[kind].fake);
  });
});
