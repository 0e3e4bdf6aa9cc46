import { readFileSync } from "node:fs";
import { join } from "node:path";
import { loadSpeechSamples, paddedLength, padWithZeros, whisperFeatures } from "@uat/audio";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { directoryFiles, exportModel } from "../../packages/codec/src/internal.ts";
import { fixtures, namesIn, speech, uat, workFolder } from "./run-uat.ts";

const expected = JSON.parse(readFileSync(join(fixtures, "tokenizers/uniaudio/expected.json"), "utf8"));
const tokens: number[] = expected.files["speech16k.wav"].tokens;

/** Codes of the speech fixture by a plain ONNX Runtime session over an exported file. */
async function codesBy(path: string): Promise<number[]> {
  const session = await ort.InferenceSession.create(path);
  const { samples } = await loadSpeechSamples(readFileSync(speech));
  const padded = padWithZeros(samples, paddedLength(samples.length, 640));
  const { data, mels, frames } = whisperFeatures(padded, 128);
  const result = await session.run({
    input_features: new ort.Tensor("float32", data, [1, mels, frames]),
    attention_mask: new ort.Tensor("int32", new Int32Array(frames).fill(1), [1, frames]),
  });
  const codes = result.audio_codes!.data as BigInt64Array;
  await session.release();
  return Array.from(codes, Number);
}

test("exported graphs give the same tokens in ONNX Runtime", async () => {
  const { folder, model, remove } = workFolder();
  try {
    const out = join(folder, "exported");
    const { code, stdout, stderr } = await uat(["export", model, "--out", out, "--quiet"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(String(stdout)).toContain("encoder_model.onnx");
    expect(namesIn(out)).toEqual(["config.json", "decoder_config.yaml", "onnx", "preprocessor_config.json"]);
    expect(namesIn(join(out, "onnx"))).toEqual([
      "decoder_model.onnx",
      "decoder_step_model.onnx",
      "encoder_model.onnx",
      "vocoder_f0_model.onnx",
      "vocoder_model.onnx",
    ]);
    expect(await codesBy(join(out, "onnx/encoder_model.onnx"))).toEqual(tokens);
    for (const name of namesIn(join(out, "onnx")))
      await (await ort.InferenceSession.create(join(out, "onnx", name))).release();
  } finally {
    remove();
  }
});

test("large weights lie in a file of their own", async () => {
  const { folder, model, remove } = workFolder();
  try {
    const { mkdirSync, appendFileSync, writeFileSync } = await import("node:fs");
    mkdirSync(join(folder, "onnx"));
    const written = await exportModel(
      directoryFiles(model),
      async (path) => {
        writeFileSync(join(folder, path), "");
        return { write: async (bytes) => appendFileSync(join(folder, path), bytes) };
      },
      { inlineLimit: 1000 },
    );
    expect(written.map((f) => f.path)).toContain("onnx/encoder_model.onnx_data");
    expect(await codesBy(join(folder, "onnx/encoder_model.onnx"))).toEqual(tokens);
  } finally {
    remove();
  }
});

test("inspect tells what a model is", async () => {
  const { model, remove } = workFolder("uniaudio-block");
  try {
    const { stdout } = await uat(["inspect", model, "--json"]);
    expect(JSON.parse(String(stdout))).toMatchObject({
      tokenizer: { frameRate: 25, codebookSize: 512, bitRate: 225, dtype: "F32" },
      decoder: { kind: "flow matching + HiFT", sampleRate: 22050, frameRate: 25, blockSize: 25 },
    });
    const words = String((await uat(["inspect", model])).stdout);
    expect(words).toMatch(/pooling {2,}avg of 2 frames, before the layers/);
    expect(words).toMatch(/equilibrium {2,}layer 1 into layer 3 \(adapter, gate\)/);
  } finally {
    remove();
  }
});

test("inspect tells what a file is", async () => {
  const facts = async (path: string) => JSON.parse(String((await uat(["inspect", path, "--json"])).stdout));
  expect(await facts(join(fixtures, "audio/stereo44k.wav"))).toMatchObject({
    kind: "audio",
    container: "wav",
    codec: "pcm-s16",
    sampleRate: 44100,
    channels: 2,
  });
  expect(await facts(join(fixtures, "audio/speech.mp3"))).toMatchObject({ container: "mp3", codec: "mp3" });
  const safetensors = await facts(join(fixtures, "tokenizers/uniaudio/checkpoint/tokenizer/model.safetensors"));
  expect(safetensors).toMatchObject({ kind: "safetensors", dtype: "F32" });
  expect(safetensors.list).toHaveLength(safetensors.tensors);
  const torch = await facts(join(fixtures, "decoders/uniaudio/checkpoint/decoder/flow.pt"));
  expect(torch).toMatchObject({ kind: "torch.save file", tensors: 313 });
  expect(await facts(join(fixtures, "decoders/uniaudio/cases/n7/tokens.npy"))).toMatchObject({ shape: "[7]" });
});
