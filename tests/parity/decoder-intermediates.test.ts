/** Every stage of the decoder on golden inputs: README of the fixtures, section 4. */
import { buildGraph, compile, createRuntime, type Runtime, Scope, type Tensor } from "@uat/graph";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parametersOf } from "../../packages/codec/src/checkpoint/parameters.ts";
import { readFloat32 } from "../../packages/codec/src/checkpoint/tensor-store.ts";
import { sourceTokens } from "../../packages/codec/src/decoders/alignment.ts";
import { excitation } from "../../packages/codec/src/decoders/excitation.ts";
import { openFlowDecoder } from "../../packages/codec/src/decoders/flow-decoder.ts";
import { flowEncoderGraph } from "../../packages/codec/src/models/flow-encoder.ts";
import { eulerStepGraph, eulerSteps } from "../../packages/codec/src/models/flow-matching.ts";
import { hiftGraph } from "../../packages/codec/src/models/hift.ts";
import { TorchGenerator } from "../../packages/codec/src/random/torch-generator.ts";
import { cases, checkpoint, expectClose, readJson, report, tokensOf } from "./decoder-fixtures.ts";

const SEED = 42;
const detailed = cases.filter((c) => c.has("z"));

for (const device of ["cpu", "wasm"] as const) {
  describe(`on ${device}`, () => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await createRuntime({ device });
    });
    afterAll(async () => {
      await runtime.dispose();
      report();
    });

    describe.each(detailed)("$variant/$name", (c) => {
      let opened: Awaited<ReturnType<typeof openFlowDecoder>>;
      beforeAll(async () => {
        opened = await openFlowDecoder(checkpoint(c.variant), "decoder");
      });
      afterAll(async () => {
        await opened.flow.close();
        await opened.hift.close();
      });
      const everything = (taps: Record<string, Tensor>) => taps;

      test("token encoder", async () => {
        const { config, flow } = opened;
        const program = await compile(
          runtime,
          buildGraph("encoder", (g) => everything(flowEncoderGraph(g, new Scope(g, parametersOf(flow)), config.flow))),
        );
        const tokens = tokensOf(c);
        const n = tokens.length;
        const frames = c.golden("mu").shape[2] as number;
        const block = config.flow.encoder.block_size;
        const result = await program.run({
          tokens: { data: tokens, shape: [n] },
          offsets: { data: Float32Array.from({ length: 2 * n - 1 }, (_, i) => n - 1 - i), shape: [2 * n - 1] },
          source: { data: sourceTokens(n, frames), shape: [frames] },
          embedding: { data: new Float32Array(192), shape: [1, 192] },
          ...(block && {
            blocks: { data: Int32Array.from({ length: n }, (_, i) => Math.floor(i / block)), shape: [n] },
          }),
        });
        for (const name of ["embed_out", "pos_emb", "encoder_out", "encoder_proj_out", "spk", "mu"]) {
          expectClose(name, result[name]?.data as Float32Array, c.golden(name).data, 2e-5);
          expect(result[name]?.shape).toEqual(c.golden(name).shape);
        }
        await program.dispose();
      });

      test("velocities and Euler steps", async () => {
        const { config, flow } = opened;
        const program = await compile(
          runtime,
          buildGraph("step", (g) =>
            everything(eulerStepGraph(g, new Scope(g, parametersOf(flow)), config.flow.decoder)),
          ),
        );
        const z = c.golden("z");
        const zeros = { data: new Float32Array(z.data.length), shape: z.shape };
        const given = { mu: c.golden("mu"), spk: c.golden("spk"), cond: zeros };
        expectClose("z", new TorchGenerator(SEED).randn(z.data.length), z.data, 2e-6);
        const states = c.has("euler_steps") ? c.golden("euler_steps").data : undefined;
        let x = z.data;
        for (const [i, { t, dt }] of eulerSteps(10).entries()) {
          const result = await program.run({
            ...given,
            x: { data: x, shape: z.shape },
            t: { data: Float32Array.of(t), shape: [1] },
            dt: { data: Float32Array.of(dt), shape: [1] },
          });
          for (const name of ["v_cond", "v_uncond"])
            if (c.has(`${name}_step${i}`))
              expectClose(name, result[name]?.data as Float32Array, c.golden(`${name}_step${i}`).data, 1e-4);
          x = result.next?.data as Float32Array<ArrayBuffer>;
          if (states) expectClose("euler_steps", x, states.subarray(i * x.length, (i + 1) * x.length), 1e-5);
        }
        expectClose("mel", x, c.golden("mel").data, 1e-5);
        await program.dispose();
      });

      test("excitation", async () => {
        const { config, hift } = opened;
        const f0 = c.golden("f0").data;
        const random = new TorchGenerator(SEED);
        random.randn(c.golden("z").data.length);
        const phases = random.uniform(9, -Math.PI, Math.PI);
        expectClose("phases", phases, c.golden("phase_vec_drawn").data, 1e-6);
        const drawn = c.has("sine_noise") ? c.golden("sine_noise").data : undefined;
        const samples = f0.length * 256;
        const noise = (h: number) => {
          const values = random.randn(samples);
          if (drawn) expectClose("sine_noise", values, drawn.subarray(h * samples, (h + 1) * samples), 2e-6);
          return values;
        };
        const mix = {
          weight: await readFloat32(hift, "source.l_linear.weight"),
          bias: (await readFloat32(hift, "source.l_linear.bias"))[0] as number,
        };
        const source = excitation(f0, 256, config.hift, mix, { phases, noise });
        expectClose("source", source, c.golden("source").data, 1e-5);
        const voiced = Float32Array.from(source, (_, i) => ((f0[Math.floor(i / 256)] as number) > 10 ? 1 : 0));
        expectClose("uv", voiced, c.golden("uv").data, 0);
      });

      test("generator", async () => {
        const { config, hift: store } = opened;
        const program = await compile(
          runtime,
          buildGraph("hift", (g) => everything(hiftGraph(g, new Scope(g, parametersOf(store)), config.hift))),
        );
        const source = c.golden("source");
        const result = await program.run({ mel: c.golden("mel"), source });
        for (const name of ["source_stft", "pre_conv", "up0", "up1", "post_conv"])
          if (c.has(name)) expectClose(name, result[name]?.data as Float32Array, c.golden(name).data, 1e-4);
        expectClose("wav, given source", result.wav?.data as Float32Array, c.golden("wav").data, 1e-5);
        await program.dispose();
      });
    });
  });
}

test("the times of the Euler steps", () => {
  const times = readJson("uniaudio/expected.json").cases.n20.t_values as number[];
  expectClose(
    "t",
    eulerSteps(10).map((s) => s.t),
    times,
    6e-8,
  );
});
