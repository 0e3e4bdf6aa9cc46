import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { hiftNames } from "./hift-names.ts";
import { directoryFiles, fileSource } from "./node/file-source.ts";
import { openSafetensorsModel } from "./safetensors.ts";
import { elementCount, ITEM_BYTES, readFloat32, type TensorStore } from "./tensor-store.ts";
import { openTorchFile } from "./torch-file.ts";
import { foldWeightNorm } from "./weight-norm.ts";

const fixtures = fileURLToPath(new URL("../../../../tests/fixtures/", import.meta.url));

/** Reads every tensor and checks its length and, for floats, that all values are finite. */
async function readAll(store: TensorStore): Promise<number> {
  let tensors = 0;
  for (const name of store.names()) {
    const { dtype, shape } = store.info(name)!;
    const bytes = await store.read(name);
    expect(bytes.byteLength, name).toBe(elementCount(shape) * ITEM_BYTES[dtype]);
    if (dtype === "F32") expect((await readFloat32(store, name)).every(Number.isFinite), name).toBe(true);
    tensors++;
  }
  await store.close();
  return tensors;
}

describe("the fixtures' checkpoints", () => {
  const tokenizers = readdirSync(`${fixtures}tokenizers`).filter((name) => !/common|README/.test(name));
  test("there are nine tokenizers", () => expect(tokenizers).toHaveLength(9));
  test.each(tokenizers)("tokenizer %s", async (name) => {
    const store = await openSafetensorsModel(
      directoryFiles(`${fixtures}tokenizers/${name}/checkpoint`),
      "tokenizer/model",
    );
    expect(store.info("codebook.weight")).toMatchObject({ dtype: "F32", shape: [512, 64] });
    expect(store.locate("codebook.weight")).toMatchObject({ byteLength: 512 * 64 * 4 });
    expect(await readAll(store)).toBeGreaterThan(60);
  });

  test.each(["uniaudio", "glm4voice", "uniaudio-block"])("decoder %s", async (name) => {
    const directory = `${fixtures}decoders/${name}/checkpoint/decoder`;
    const flow = await openTorchFile(await fileSource(`${directory}/flow.pt`));
    expect(flow.info("input_embedding.weight")?.shape[0]).toBe(512);
    expect(await readAll(flow)).toBeGreaterThan(200);
    const hift = foldWeightNorm(hiftNames(await openTorchFile(await fileSource(`${directory}/hift.pt`))));
    expect(hift.info("pre_conv.weight")?.shape.slice(1)).toEqual([80, 7]);
    expect([...hift.names()].some((n) => /weight_[gv]$/.test(n))).toBe(false);
    expect(await readAll(hift)).toBe(170);
  });
});
