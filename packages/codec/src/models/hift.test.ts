import { compile, createRuntime, Graph, Scope } from "@uat/graph";
import { expect, test } from "vitest";
import { type HiftConfig, hiftGraph } from "./hift.ts";

const config: HiftConfig = {
  in_channels: 4,
  base_channels: 4,
  upsample_rates: [2],
  upsample_kernel_sizes: [4],
  istft_params: { n_fft: 32, hop_len: 8 },
  resblock_kernel_sizes: [3],
  resblock_dilation_sizes: [[1]],
  source_resblock_kernel_sizes: [3],
  source_resblock_dilation_sizes: [[1]],
  lrelu_slope: 0.1,
  audio_limit: 0.99,
  source_filter: true,
};

test("a source-filter vocoder whose filter is a constant gives back its excitation, as loud as the filter says", async () => {
  const runtime = await createRuntime();
  const graph = new Graph("hift");
  // all weights zero: the filter's log-magnitude is the last bias
  const p = new Scope(graph, (name) => {
    const values = name.endsWith("alpha") ? 1 : name === "post_conv.bias" ? Math.log(0.5) : 0;
    return {
      dtype: "F32",
      shape: shapes[name]!,
      read: async () => {
        const size = shapes[name]!.reduce((n, d) => n * d, 1);
        const data = Float32Array.from({ length: size }, (_, i) => (name === "post_conv.bias" && i >= 17 ? 0 : values));
        return new Uint8Array(data.buffer);
      },
    };
  });
  const { wav } = hiftGraph(graph, p, config);
  graph.outputs = { wav };
  const program = await compile(runtime, graph);
  const frames = 6;
  const source = Float32Array.from({ length: 16 * frames }, (_, i) => 0.4 * Math.sin(i) + 0.2 * Math.cos(2.3 * i));
  const result = await program.run({
    mel: { data: new Float32Array(4 * frames).fill(-3), shape: [1, 4, frames] },
    source: { data: source, shape: [1, 1, 16 * frames] },
  });
  const made = result.wav!.data as Float32Array;
  expect(made.length).toBe(source.length);
  for (const [i, v] of source.entries()) expect(made[i]).toBeCloseTo(0.5 * v, 5);
  await program.dispose();
  await runtime.dispose();
});

const residual = (name: string): [string, number[]][] => [
  [`${name}.activations1.0.alpha`, [2]],
  [`${name}.activations2.0.alpha`, [2]],
  [`${name}.conv1.0.weight`, [2, 2, 3]],
  [`${name}.conv1.0.bias`, [2]],
  [`${name}.conv2.0.weight`, [2, 2, 3]],
  [`${name}.conv2.0.bias`, [2]],
];
const shapes: Record<string, number[]> = Object.fromEntries([
  ["pre_conv.weight", [4, 4, 7]],
  ["pre_conv.bias", [4]],
  ["ups.0.weight", [4, 2, 4]],
  ["ups.0.bias", [2]],
  ["source_downs.0.weight", [2, 34, 1]],
  ["source_downs.0.bias", [2]],
  ["post_conv.weight", [34, 2, 7]],
  ["post_conv.bias", [34]],
  ...residual("resblocks.0"),
  ...residual("source_resblocks.0"),
] as [string, number[]][]);
