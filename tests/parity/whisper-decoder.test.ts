import { buildGraph, compile, createRuntime, type NumericArray, type Runtime, Scope } from "@uat/graph";
import {
  crossAttentionCache,
  directoryFiles,
  openSafetensorsModel,
  parametersOf,
  readJson,
  type WhisperConfig,
  whisperDecoder,
} from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixtureArray, fixturePath, worstError } from "../../packages/evaluation/src/fixtures.ts";

/** A sequence-to-sequence checkpoint with random weights, and what PyTorch made of it: 3 clips, 12 tokens. */
const FOLDER = "training/seq2seq";
const TOLERANCE = 1e-4;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime();
});
afterAll(() => runtime.dispose());

async function load() {
  const files = directoryFiles(fixturePath(`${FOLDER}/checkpoint`));
  const config = (await readJson(files, "config.json")) as WhisperConfig;
  const source = parametersOf(await openSafetensorsModel(files, "model"));
  const hidden = fixtureArray(`${FOLDER}/eval_encoder_last_hidden.npy`);
  const cross = await compile(
    runtime,
    buildGraph("cross", (g) => {
      const states = g.input("hidden", hidden.shape as number[]);
      return crossAttentionCache(states, new Scope(g, source, "model.decoder"), config);
    }),
  );
  const decoder = await compile(
    runtime,
    buildGraph("decoder", (g) =>
      whisperDecoder(g, new Scope(g, source, "model.decoder"), config, { everyPosition: true, sourceMask: true }),
    ),
  );
  const cache = await cross.run({ hidden: { data: Float32Array.from(hidden.data), shape: hidden.shape } });
  // the mask of frames, at every position of the encoder
  const frames = fixtureArray(`${FOLDER}/attention_mask.npy`);
  const [batch, count] = frames.shape as [number, number];
  const positions = hidden.shape[1] as number;
  const mask = frames.data.filter((_, i) => (i % count) % (count / positions) === 0);
  const fixed = { ...cache, encoder_attention_mask: { data: Int32Array.from(mask), shape: [batch, positions] } };
  const size = config.d_model / config.decoder_attention_heads;
  const empty = { data: new Float32Array(0), shape: [batch, config.decoder_attention_heads, 0, size] };
  const start: Record<string, NumericArray> = {};
  for (let n = 0; n < config.decoder_layers; n++) start[`past_key.${n}`] = start[`past_value.${n}`] = empty;
  return { decoder, fixed, start, batch, vocab: config.vocab_size, masked: mask.includes(0) };
}

const ids = fixtureArray(`${FOLDER}/decoder_input_ids.npy`);
const logits = fixtureArray(`${FOLDER}/eval_logits.npy`);
const [batch, time, vocab] = logits.shape as [number, number, number];

/** Columns from … to of an array [batch, time, ...rest]. */
const columns = (data: readonly number[], rest: number, from: number, to: number): number[] =>
  data.filter((_, i) => {
    const t = Math.floor(i / rest) % time;
    return t >= from && t < to;
  });

test("logits of whole sequences equal PyTorch's", async () => {
  const { decoder, fixed, start, masked } = await load();
  expect(masked, "the fixture tries the mask").toBe(true);
  const result = await decoder.run({
    input_ids: { data: BigInt64Array.from(ids.data, BigInt), shape: ids.shape },
    ...start,
    ...fixed,
  });
  expect(result.logits?.shape).toEqual(logits.shape);
  expect(worstError(result.logits?.data as Float32Array, logits.data)).toBeLessThan(TOLERANCE);
});

test.each([[[5, 1, 1, 3, 2]], [Array(12).fill(1)]])("logits by steps of %j tokens equal PyTorch's", async (steps) => {
  const { decoder, fixed, start } = await load();
  let past = start;
  let from = 0;
  for (const step of steps as number[]) {
    const part = columns(ids.data, 1, from, from + step);
    const { logits: got, ...cache } = await decoder.run({
      input_ids: { data: BigInt64Array.from(part, BigInt), shape: [batch, step] },
      ...past,
      ...fixed,
    });
    const want = columns(logits.data, vocab, from, from + step);
    expect(worstError(got?.data as Float32Array, want), `tokens ${from} …`).toBeLessThan(TOLERANCE);
    past = Object.fromEntries(Object.entries(cache).map(([name, value]) => [`past_${name}`, value]));
    from += step;
  }
  expect(from).toBe(time);
});
