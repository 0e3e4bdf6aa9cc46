import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  AudioDecoder,
  type DecoderConfig,
  directoryFiles,
  memoryStore,
  openDecoderWeights,
  openFlowDecoder,
  openVocoderWeights,
  parseDecoderConfig,
  readFloat32,
} from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { flowDecoderGeometry } from "../config/decoder-geometry.ts";
import { TrainingError } from "../errors.ts";
import { STFT_RESOLUTIONS } from "../objectives/vocoder.ts";
import { decoderConfigYaml, float32Tensors, writeDecoder } from "./decoder-files.ts";
import { DecoderStart } from "./decoder-start.ts";
import { flowParameters } from "./flow-training.ts";
import { initialWeights } from "./initial-weights.ts";
import { vocoderParameters } from "./vocoder-training.ts";

const FIXTURES = new URL("../../../../tests/fixtures/decoders/", import.meta.url);
const official = (variant: string) => new URL(`${variant}/checkpoint/decoder/`, FIXTURES).pathname;
const spectral = { mel: 45, stft: 1, stft_resolutions: STFT_RESOLUTIONS, f0: 1, adversarial: null };

const fresh = (config: DecoderConfig, seed = 1) => ({
  flow: memoryStore(float32Tensors([...initialWeights(flowParameters(config.flow), seed)])),
  hift: memoryStore(float32Tensors([...initialWeights(vocoderParameters(config.hift, spectral, 32).generator, seed)])),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uat-decoder-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each(["uniaudio", "uniaudio-block", "glm4voice"])("as the official decoder %s", (variant) => {
  test("the configuration reads back as it was", async () => {
    const config = parseDecoderConfig(await readFile(join(official(variant), "config.yaml"), "utf8"));
    const { others: _, ...known } = config;
    const { others: __, ...again } = parseDecoderConfig(decoderConfigYaml(config));
    expect(again).toEqual(known);
  });

  test("networks in training ask for the tensors that it holds, and no others", async () => {
    const { config, flow, hift } = await openFlowDecoder(directoryFiles(official(variant)), "");
    const shapes = (names: Iterable<string>, shape: (name: string) => readonly number[]) =>
      Object.fromEntries([...names].sort().map((name) => [name, [...shape(name)]]));
    const parts = [
      [flow, flowParameters(config.flow)],
      [hift, vocoderParameters(config.hift, spectral, 32).generator],
    ] as const;
    for (const [store, asked] of parts) {
      const own = new Map(asked.map(({ name, shape }) => [name, shape]));
      expect(shapes(own.keys(), (name) => own.get(name)!)).toEqual(
        shapes(store.names(), (name) => store.info(name)!.shape),
      );
      await store.close();
    }
  });

  test("a fresh one is written with its names and shapes, weight norm included", async () => {
    const config = parseDecoderConfig(await readFile(join(official(variant), "config.yaml"), "utf8"));
    const target = join(folder, variant);
    await writeDecoder(target, config, fresh(config));
    for (const half of ["flow", "hift"]) {
      const [ours, theirs] = await Promise.all(
        [target, official(variant)].map((path) => openDecoderWeights(directoryFiles(path), "", half)),
      );
      expect([...ours!.names()].sort()).toEqual([...theirs!.names()].sort());
      for (const name of ours!.names()) expect(ours!.info(name)).toEqual(theirs!.info(name));
      await ours!.close();
      await theirs!.close();
    }
  });
});

const tiny = flowDecoderGeometry(
  undefined,
  {
    flow: {
      vocab_size: 16,
      input_size: 16,
      encoder: { output_size: 16, attention_heads: 2, linear_units: 16, num_blocks: 1 },
      decoder: {
        estimator: { channels: [16], attention_head_dim: 8, num_heads: 2, n_blocks: 1, num_mid_blocks: 1 },
      },
    },
    hift: { base_channels: 16, f0_predictor: { cond_channels: 8 } },
  },
  "test",
);

test("the library decodes with a fresh pair", async () => {
  const target = join(folder, "pair");
  await writeDecoder(join(target, "decoder"), tiny, fresh(tiny));
  expect((await readdir(join(target, "decoder"))).sort()).toEqual(["config.yaml", "flow.pt", "hift.pt"]);
  const decoder = await AudioDecoder.fromPretrained(target);
  const { waveform: samples } = await decoder.decode(Int32Array.from({ length: 20 }, (_, i) => i % 16));
  expect(samples.length).toBe(Math.trunc((20 * 441) / 128) * 256);
  expect(samples.every(Number.isFinite)).toBe(true);
  await decoder.dispose();
});

test("a vocoder's weights come back bit by bit from direction and length", async () => {
  const target = join(folder, "exact");
  const { hift } = fresh(tiny);
  await writeDecoder(target, tiny, { hift });
  const back = await openVocoderWeights(directoryFiles(target), "");
  for (const name of hift.names()) expect(await readFloat32(back, name)).toEqual(await readFloat32(hift, name));
  await back.close();
});

test("half precision", async () => {
  const target = join(folder, "half");
  await writeDecoder(target, tiny, { ...fresh(tiny), storage: "fp16" });
  const flow = await openDecoderWeights(directoryFiles(target), "", "flow");
  expect(flow.info("input_embedding.weight")).toEqual({ dtype: "F16", shape: [16, 16] });
  await flow.close();
});

const flowOf = ({ config }: DecoderStart) => {
  if (!("flow" in config)) throw new Error("expected a flow");
  return config.flow;
};

describe("where training starts", () => {
  const model = (init: string, more: object = {}) => ({
    init,
    config_file: null,
    config: { flow: {}, acoustic: {}, hift: {} },
    freeze: [],
    cold_start: [],
    ...more,
  });

  test("at the weights of a decoder, but for parts that start cold", async () => {
    const target = join(folder, "start");
    const given = fresh(tiny, 7);
    await writeDecoder(join(target, "decoder"), tiny, given);
    const start = await DecoderStart.read(model(target, { cold_start: ["decoder"] }), "run.yaml");
    const { parameters, fresh: made } = await start.weights("flow", flowParameters(flowOf(start)), 1);
    for (const { name, values } of parameters) {
      const cold = name.startsWith("decoder.");
      expect(made.has(name)).toBe(cold);
      const same = Buffer.from(values.buffer).equals(Buffer.from(await given.flow.read(name)));
      expect(same, name).toBe(!cold || /norm|block\.1\./.test(name));
    }
  });

  test("nowhere else: weights of another shape, no decoder", async () => {
    const target = join(folder, "start");
    const wider = { config: { flow: { vocab_size: 17 }, hift: {} } };
    const start = await DecoderStart.read(model(target, wider), "run.yaml");
    const weights = start.weights("flow", flowParameters(flowOf(start)), 1);
    await expect(weights).rejects.toThrow(TrainingError);
    await expect(weights).rejects.toThrow(
      "input_embedding.weight has shape [16,16] in the checkpoint to start from, the configuration asks for [17,16]",
    );
    await expect(DecoderStart.read(model(folder), "run.yaml")).rejects.toThrow("has no decoder/config.yaml");
  });
});
