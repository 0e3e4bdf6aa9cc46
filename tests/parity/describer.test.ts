/** A describer begins at the codes: from there on its values are PyTorch's, for clips of different lengths in a batch. */
import { buildGraph, compile, createRuntime, type NumericArray, type Runtime, Scope } from "@uat/graph";
import {
  codesEncoder,
  crossAttentionCache,
  directoryFiles,
  openSafetensorsModel,
  parametersOf,
  readJson,
  type WhisperConfig,
  type WhisperVqConfig,
  whisperDecoder,
} from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fixtureArray, fixturePath, worstError } from "../../packages/evaluation/src/fixtures.ts";

const FOLDER = "training/seq2seq";
const TOLERANCE = 1e-4;
const codes = fixtureArray(`${FOLDER}/eval_token_ids.npy`);
const frames = fixtureArray(`${FOLDER}/attention_mask.npy`);
const hidden = fixtureArray(`${FOLDER}/eval_encoder_last_hidden.npy`);
const ids = fixtureArray(`${FOLDER}/decoder_input_ids.npy`);
const logits = fixtureArray(`${FOLDER}/eval_logits.npy`);
const [batch, tokens, d] = hidden.shape as [number, number, number];
const [, length, vocab] = logits.shape as [number, number, number];

const row = (array: { readonly data: readonly number[] }, width: number, i: number, count = width) =>
  array.data.slice(i * width, i * width + count);
/** Tokens of each clip that are no padding. */
const real = Array.from({ length: batch }, (_, i) => {
  const mask = row(frames, frames.shape[1] as number, i);
  return mask.filter((v, at) => v === 1 && at % (mask.length / tokens) === 0).length;
});

describe("from codes", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await createRuntime();
  });
  afterAll(() => runtime.dispose());

  test("clips differ in length", () => expect(new Set(real).size).toBeGreaterThan(1));

  test.each(real.map((count, clip) => [clip, count]))("clip %i of %i tokens", async (clip, count) => {
    const files = directoryFiles(fixturePath(`${FOLDER}/checkpoint`));
    const config = (await readJson(files, "config.json")) as WhisperConfig & WhisperVqConfig;
    const store = await openSafetensorsModel(files, "model");
    const source = parametersOf(store);
    const encoder = await compile(
      runtime,
      buildGraph("encoder", (g) => {
        const p = new Scope(g, source, "model");
        const states = codesEncoder(g, p.at("encoder"), config);
        return { states, ...crossAttentionCache(states, p.at("decoder"), config) };
      }),
    );
    const decoder = await compile(
      runtime,
      buildGraph("decoder", (g) =>
        whisperDecoder(g, new Scope(g, source, "model.decoder"), config, { everyPosition: true }),
      ),
    );
    const { states, ...cross } = await encoder.run({
      codes: { data: BigInt64Array.from(row(codes, tokens, clip, count), BigInt), shape: [1, count] },
    });
    expect(worstError(states?.data as Float32Array, row(hidden, tokens * d, clip, count * d))).toBeLessThan(TOLERANCE);

    const heads = config.decoder_attention_heads;
    const empty: NumericArray = { data: new Float32Array(0), shape: [1, heads, 0, d / heads] };
    const past = Object.fromEntries(
      Array.from({ length: config.decoder_layers }, (_, n) => n).flatMap((n) => [
        [`past_key.${n}`, empty],
        [`past_value.${n}`, empty],
      ]),
    );
    const result = await decoder.run({
      input_ids: { data: BigInt64Array.from(row(ids, length, clip), BigInt), shape: [1, length] },
      ...past,
      ...cross,
    });
    expect(worstError(result.logits?.data as Float32Array, row(logits, length * vocab, clip))).toBeLessThan(TOLERANCE);
    await store.close();
  });
});
