import { whisperFeatures } from "@uat/audio";
import { buildGraph, compile, createRuntime, type NumericArray, type Runtime, Scope } from "@uat/graph";
import {
  crossAttentionCache,
  type ModelFiles,
  memoryFiles,
  openSafetensorsModel,
  parametersOf,
  repeatedTail,
  WhisperVocabulary,
  whisperDecoder,
  whisperEncoder,
} from "universal-audio-tokenizer/internal";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { speechWindows } from "./speech-windows.ts";
import { TINY, tinyWhisper } from "./tiny-whisper.ts";
import { WhisperTranscriber } from "./whisper-transcriber.ts";

let runtime: Runtime;
let files: ModelFiles;
let transcriber: WhisperTranscriber;
beforeAll(async () => {
  runtime = await createRuntime();
  files = tinyWhisper();
  transcriber = await WhisperTranscriber.load(files, runtime);
});
afterAll(async () => {
  await transcriber.dispose();
  await runtime.dispose();
});

const tone = (length: number, hz: number) =>
  Float32Array.from({ length }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hz * i) / 16000));

/** What transcription is: the whole sequence through the network for every token. */
async function slowly(samples: Float32Array, prompt: number[], steps: number): Promise<number[]> {
  const source = parametersOf(await openSafetensorsModel(files, "model"));
  const encoder = await compile(
    runtime,
    buildGraph("slow_encoder", (g) => {
      const p = new Scope(g, source, "model");
      return crossAttentionCache(whisperEncoder(g, p.at("encoder"), TINY), p.at("decoder"), TINY);
    }),
  );
  const decoder = await compile(
    runtime,
    buildGraph("slow_decoder", (g) =>
      whisperDecoder(g, new Scope(g, source, "model.decoder"), TINY, { everyPosition: true }),
    ),
  );
  const window = new Float32Array(16000);
  window.set(samples);
  const { data, mels, frames } = whisperFeatures(window, 80);
  const cross = await encoder.run({ input_features: { data, shape: [1, mels, frames] } });
  const empty: NumericArray = { data: new Float32Array(0), shape: [1, 4, 0, 4] };
  const past = Object.fromEntries([0, 1].flatMap((n) => [`past_key.${n}`, `past_value.${n}`].map((k) => [k, empty])));
  const tokens: number[] = [];
  while (tokens.length < steps) {
    const all = [...prompt, ...tokens];
    const input_ids = { data: BigInt64Array.from(all, BigInt), shape: [1, all.length] };
    const { logits } = await decoder.run({ input_ids, ...past, ...cross });
    const last = Array.from((logits as NumericArray).data as Float32Array).slice(-TINY.vocab_size);
    const allowed = last
      .slice(0, TINY.eos_token_id + 1)
      .map((v, id) =>
        TINY.suppress_tokens.includes(id) || (tokens.length === 0 && TINY.begin_suppress_tokens.includes(id))
          ? Number.NEGATIVE_INFINITY
          : v,
      );
    const best = allowed.indexOf(Math.max(...allowed));
    if (best === TINY.eos_token_id) break;
    tokens.push(best);
    const loop = repeatedTail(tokens);
    if (loop > 0) return tokens.slice(0, tokens.length - loop);
  }
  return tokens;
}

describe("transcription", () => {
  test.each([
    ["en", 62, 440],
    ["de", 63, 440],
    ["en", 62, 1800],
  ])("in %s (token %i) of %i Hz equals decoding without a cache", async (language, id, hz) => {
    const samples = tone(9000, hz);
    const { tokens, text } = await transcriber.transcribe(samples, { language });
    const want = await slowly(samples, [61, id, 64, 65], TINY.max_target_positions - 4);
    expect(tokens).toEqual(want);
    expect(tokens.length).toBeGreaterThan(0);
    expect(text).toBe(tokens.map((t) => `a${t}`).join(" "));
  });

  test("is the same twice, and no longer than asked for", async () => {
    const samples = tone(16000, 700);
    const first = await transcriber.transcribe(samples);
    expect(await transcriber.transcribe(samples)).toEqual(first);
    const short = await transcriber.transcribe(samples, { maxTokens: 1 });
    expect(short.tokens).toEqual(first.tokens.slice(0, 1));
  });

  test("of nothing is nothing", async () => {
    expect(await transcriber.transcribe(new Float32Array(0))).toEqual({ text: "", tokens: [] });
  });

  test("of long audio goes window by window", async () => {
    const samples = tone(30000, 300);
    const windows = [...speechWindows(samples, 16000)];
    expect(windows.length).toBeGreaterThan(1);
    const parts = [];
    for (const window of windows) parts.push(await transcriber.transcribe(window));
    const whole = await transcriber.transcribe(samples);
    expect(whole.tokens).toEqual(parts.flatMap((p) => p.tokens));
    expect(whole.text).toBe(parts.map((p) => p.text).join(" "));
  });

  test("a language the checkpoint lacks is refused", async () => {
    await expect(transcriber.transcribe(tone(16000, 300), { language: "xx" })).rejects.toThrow("no <|xx|>");
  });
});

test.each([
  [{ d_model: undefined }, "d_model is missing"],
  [{ decoder_layers: 1.5 }, "decoder_layers is 1.5"],
  [{ decoder_attention_heads: 5 }, "decoder_attention_heads is 5; expected a divisor of d_model 16"],
  [{ activation_function: "relu" }, "activation_function is relu"],
  [{ suppress_tokens: "all" }, 'suppress_tokens is "all"'],
  [{ encoder_ffn_dim: 25 }, "fc1"],
])("a configuration with %j is refused", async (changes, message) => {
  await expect(WhisperTranscriber.load(tinyWhisper(changes as never), runtime)).rejects.toThrow(message);
});

describe("vocabulary", () => {
  test("bytes of a character may be cut across tokens; special ids are silent", () => {
    // é is C3 A9, written Ã©; the blank is written Ġ
    const vocabulary = new WhisperVocabulary({ Ġca: 0, fÃ: 1, "©": 2, "<|x|>": 3 }, { "<|x|>": 3 });
    expect(vocabulary.decode([0, 1, 3, 2, 99])).toBe(" café");
    expect(vocabulary.decode([1])).toBe("f\ufffd");
    expect(vocabulary.special("<|x|>")).toBe(3);
  });
  test("a file without vocabulary is refused", async () => {
    for (const text of ["{}", "null", '{"model": {"vocab": []}}'])
      await expect(WhisperVocabulary.read(memoryFiles({ "tokenizer.json": text }))).rejects.toThrow("model.vocab");
  });
});

test("loops are four rounds and twenty tokens", () => {
  const loop = (period: number, rounds: number) => Array.from({ length: period * rounds }, (_, i) => i % period);
  expect(repeatedTail([9, ...loop(1, 4)])).toBe(0);
  expect(repeatedTail([9, ...loop(1, 20)])).toBe(19);
  expect(repeatedTail([9, ...loop(5, 4)])).toBe(15);
  expect(repeatedTail([...loop(5, 4), 7])).toBe(0);
  expect(repeatedTail(loop(7, 3))).toBe(0);
  expect(repeatedTail([])).toBe(0);
});

describe("windows", () => {
  test("short audio is filled up with zeros", () => {
    const [only, ...rest] = speechWindows(Float32Array.of(1, 2), 4);
    expect([...(only as Float32Array)]).toEqual([1, 2, 0, 0]);
    expect(rest).toEqual([]);
    expect([...speechWindows(new Float32Array(0), 4)]).toEqual([]);
  });
  test("long audio is cut in its pause and nothing is lost", () => {
    const samples = tone(40000, 200);
    samples.fill(0, 14400, 15400);
    const windows = [...speechWindows(samples, 16000)];
    const first = windows[0] as Float32Array;
    const cut = first.findLastIndex((v) => v !== 0) + 1;
    expect(cut).toBeGreaterThan(14000);
    expect(cut).toBeLessThanOrEqual(14400);
    const energy = (x: Float32Array) => x.reduce((s, v) => s + v * v, 0);
    expect(windows.reduce((s, w) => s + energy(w), 0)).toBeCloseTo(energy(samples), 3);
  });
});
