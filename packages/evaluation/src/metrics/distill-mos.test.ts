import { createRuntime } from "@uat/graph";
import { directoryFiles, float32Tensor, memoryFiles, memoryStore } from "universal-audio-tokenizer/internal";
import { afterAll, describe, expect, test } from "vitest";
import { EvaluationError } from "../errors.ts";
import { DISTILL_MOS_FILE, DistillMos } from "./distill-mos.ts";
import { distorted, goldens, METRICS_FOLDER, RATE, readClip } from "./fixtures.ts";

const runtime = await createRuntime({ device: "cpu", threads: 1 });
afterAll(() => runtime.dispose());

/** Shapes of the checkpoint's tensors. */
function shapes(): Record<string, number[]> {
  const all: Record<string, number[]> = {};
  const layer = (name: string, out: number, ...rest: number[]) => {
    all[`${name}.weight`] = [out, ...rest];
    all[`${name}.bias`] = [out];
  };
  const channels = [2, 64, 64, 128, 256, 256, 256];
  for (let n = 0; n < 6; n++) layer(`cnn.cnn.${2 * n}`, channels[n + 1]!, channels[n]!, 3, 3);
  const norm = (name: string, width: number) => {
    layer(name, width);
    all[`${name}.running_mean`] = [width];
    all[`${name}.running_var`] = [width];
  };
  const t = "transformer_pool_attn";
  norm(`${t}.norm_input`, 1024);
  norm(`${t}.transformer.norm`, 1024);
  norm(`${t}.norm_trans`, 200);
  all[`${t}.transformer.position_encoding.pe`] = [1, 384, 200];
  layer(`${t}.transformer.linear_proj`, 200, 1024);
  for (let n = 0; n < 7; n++) {
    const l = `${t}.transformer.transformer_encoder.layers.${n}`;
    all[`${l}.self_attn.in_proj_weight`] = [600, 200];
    all[`${l}.self_attn.in_proj_bias`] = [600];
    layer(`${l}.self_attn.out_proj`, 200, 200);
    layer(`${l}.linear1`, 400, 200);
    layer(`${l}.linear2`, 200, 400);
    layer(`${l}.norm1`, 200);
    layer(`${l}.norm2`, 200);
  }
  layer(`${t}.pool.linear1`, 400, 200);
  layer(`${t}.pool.linear2`, 1, 400);
  layer(`${t}.pool.linear3`, 1, 200);
  return all;
}

/** The sines of rising frequency that the goldens have for weights. */
function chirps() {
  const all = shapes();
  const names = Object.keys(all).sort();
  const tensors = names.map((name, k) => {
    const shape = all[name]!;
    const length = shape.reduce((a, b) => a * b, 1);
    const [offset, size] = name.endsWith("running_var")
      ? [1, 0.5]
      : shape.length > 1
        ? [0, 1.5 / Math.sqrt(length / shape[0]!)]
        : name.endsWith("weight")
          ? [1, 0.3]
          : [0, 0.2];
    const values = Float32Array.from({ length }, (_, i) => offset! + size! * Math.sin(0.0123 * i * i + k));
    return [`model.${name}`, float32Tensor(shape, values)] as const;
  });
  return memoryStore(new Map(tensors));
}

describe("with sines of rising frequency for weights", async () => {
  const model = await DistillMos.fromStore(chirps(), runtime);
  afterAll(() => model.dispose());

  test.each(["kerstin-0129", "speech16k", "long"])("scores as distillmos has them: %s", async (name) => {
    const samples = (await readClip(name)).map((v) => Math.min(1, Math.max(-1, v)));
    expect(Math.abs((await model.score(samples, RATE)) - goldens.clips[name]!.small.distillmos)).toBeLessThan(2e-5);
  });

  test("a clip without samples", async () => {
    await expect(model.score(new Float32Array(0), RATE)).rejects.toThrow(EvaluationError);
  });
});

test("a file that holds something else", async () => {
  const files = memoryFiles({ [DISTILL_MOS_FILE]: "not torch" }, "metrics");
  await expect(DistillMos.load(files, runtime)).rejects.toThrow(/distill_mos_v7\.pt: is not a file of torch\.save/);
  await expect(DistillMos.fromStore(memoryStore(new Map()), runtime)).rejects.toThrow(
    /has no tensor model\.cnn\.cnn\.0/,
  );
});

describe.skipIf(!METRICS_FOLDER)("with the package's weights", async () => {
  const model = METRICS_FOLDER ? await DistillMos.load(directoryFiles(METRICS_FOLDER), runtime) : undefined;

  test.each(["kerstin-0129", "speech16k"])("scores of %s and its copies", async (name) => {
    const clip = goldens.clips[name]!;
    const samples = await readClip(name);
    expect(Math.abs((await model!.score(samples, RATE)) - clip.original.distillmos)).toBeLessThan(1e-4);
    for (const [copy, want] of Object.entries(clip.scores))
      expect(Math.abs((await model!.score(distorted(name, copy, samples), RATE)) - want.distillmos)).toBeLessThan(1e-4);
  });
});
