import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { memoryFiles } from "../checkpoint/model-files.ts";
import { directoryFiles } from "../checkpoint/node/file-source.ts";
import { openSafetensorsModel } from "../checkpoint/safetensors.ts";
import { writeSafetensors } from "../checkpoint/safetensors-writer.ts";
import { float16Tensor, float32Tensor, readFloat32 } from "../checkpoint/tensor-store.ts";
import { cutVocabulary, renumberTokenIds } from "./cut-vocabulary.ts";
import { cutCheckpoint } from "./node/cut-checkpoint.ts";
import { WhisperVocabulary } from "./whisper-vocabulary.ts";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../tests/fixtures/text/${name}`, import.meta.url), "utf8"));
const whisper = read("tokenizer.json") as {
  added_tokens: { id: number; content: string }[];
  model: { vocab: Record<string, number>; merges: [string, string][] };
};
const encoderOf = (json: unknown) => new Tokenizer({ ...(json as object), added_tokens: [], post_processor: null }, {});
const encode = (tokenizer: Tokenizer, text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids;

const decode = (json: unknown, ids: readonly number[]) => WhisperVocabulary.fromJson(json).decode(ids);

describe("fewer merges", () => {
  const goldens = read("cut-ids.json") as Record<string, number[][]>;
  const { samples } = read("ids.json") as { samples: { text: string }[] };
  test.each(Object.entries(goldens))("with %s, ids equal those of tokenizers", (merges, ids) => {
    const encoder = encoderOf(cutVocabulary(whisper, Number(merges)).tokenizerJson);
    for (const [i, { text }] of samples.entries()) expect(encode(encoder, text), text).toEqual(ids[i]);
  });

  test("any text comes back; texts without dropped merges keep their ids", () => {
    const whole = encoderOf(whisper);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.string({ unit: "binary" }), (merges, text) => {
        const { tokenizerJson } = cutVocabulary(whisper, merges);
        const ids = encode(encoderOf(tokenizerJson), text);
        expect(decode(tokenizerJson, ids)).toBe(text);
        const before = encode(whole, text);
        if (before.every((id: number) => id < 256 + merges)) expect(ids).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  test("rows are those of the kept tokens, special ones last", () => {
    const { tokenizerJson, rows } = cutVocabulary(whisper, 40);
    const specials = whisper.added_tokens.map(({ id }) => id);
    expect([...rows]).toEqual([...Array.from({ length: 296 }, (_, i) => i), ...specials]);
    const json = tokenizerJson as typeof whisper;
    expect(json.added_tokens.map(({ id }) => id)).toEqual(specials.map((_, i) => 296 + i));
    expect(json.added_tokens.map(({ content }) => content)).toEqual(whisper.added_tokens.map((t) => t.content));
    expect(cutVocabulary(whisper, 5000).rows).toHaveLength(1264);
  });

  test("added tokens may be dropped; what is put around texts goes with them", () => {
    const post_processor = (name: string) => ({
      type: "TemplateProcessing",
      special_tokens: { [name]: { id: name, ids: [whisper.added_tokens.find((t) => t.content === name)?.id] } },
    });
    const keep = (content: string) => content !== "<|0.00|>";
    const cut = (name: string) =>
      cutVocabulary({ ...whisper, post_processor: post_processor(name) }, 10, { keep }).tokenizerJson as {
        post_processor: { special_tokens: Record<string, { ids: number[] }> } | null;
        added_tokens: { content: string }[];
      };
    expect(cut("<|en|>").post_processor?.special_tokens["<|en|>"]?.ids).toEqual([268]);
    expect(cut("<|0.00|>").post_processor).toBeNull();
    expect(cut("<|en|>").added_tokens.map((t) => t.content)).not.toContain("<|0.00|>");
  });

  test.each([
    [{}, 5, "model is missing"],
    [{ model: { vocab: {}, merges: [["a", "b"]] } }, 5, 'makes "ab"'],
    [{ model: { vocab: {}, merges: [["a"]] } }, 5, "model.merges[0]"],
    [whisper, -1, "-1 merges"],
    [whisper, 1.5, "1.5 merges"],
  ])("%o cut to %i is refused", (json, merges, message) => {
    expect(() => cutVocabulary(json, merges)).toThrow(message);
  });
});

test("ids in configurations follow", () => {
  const rows = Int32Array.of(0, 1, 5, 7);
  expect(
    renumberTokenIds(
      {
        vocab_size: 9,
        eos_token_id: 5,
        pad_token_id: null,
        bos_token_id: 6,
        d_model: 5,
        suppress_tokens: [1, 2, 7],
        lang_to_id: { "<|en|>": 7, "<|de|>": 8 },
        forced_decoder_ids: [
          [1, null],
          [2, 7],
          [3, 4],
        ],
      },
      rows,
    ),
  ).toEqual({
    vocab_size: 4,
    eos_token_id: 2,
    pad_token_id: null,
    d_model: 5,
    suppress_tokens: [1, 3],
    lang_to_id: { "<|en|>": 3 },
    forced_decoder_ids: [
      [1, null],
      [2, 3],
    ],
  });
});

describe("a checkpoint", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "uat-cut-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const values = Float32Array.from({ length: 1264 * 2 }, (_, i) => i);
  const files = (embedding = values, name = "model.decoder.embed_tokens.weight") =>
    memoryFiles({
      "config.json": JSON.stringify({ vocab_size: 1264, d_model: 2, eos_token_id: 1256 }),
      "tokenizer.json": JSON.stringify(whisper),
      "model.safetensors": writeSafetensors(
        new Map([
          [name, float16Tensor([embedding.length / 2, 2], embedding)],
          ["model.decoder.layer_norm.bias", float32Tensor([2], Float32Array.of(3, 4))],
        ]),
      ),
    });

  test("keeps rows of its embedding, all else as it was", async () => {
    const out = join(folder, "cut");
    expect(await cutCheckpoint(files(), "", out, 100)).toBe(364);
    const store = await openSafetensorsModel(directoryFiles(out), "model");
    const name = "model.decoder.embed_tokens.weight";
    expect(store.info(name)).toMatchObject({ dtype: "F16", shape: [364, 2] });
    const cut = await readFloat32(store, name);
    expect([...cut.slice(0, 4)]).toEqual([0, 1, 2, 3]);
    // the first special token, 1256, follows the last merge; halves hold every second whole number here
    expect([...cut.slice(356 * 2, 357 * 2)]).toEqual([2512, 2512]);
    expect([...(await readFloat32(store, "model.decoder.layer_norm.bias"))]).toEqual([3, 4]);
    await store.close();
    expect(JSON.parse(await readFile(join(out, "config.json"), "utf8"))).toEqual({
      vocab_size: 364,
      d_model: 2,
      eos_token_id: 356,
    });
    expect((await readdir(folder)).length).toBe(1);
  });

  test("that does not fit its tokenizer is refused, and leaves nothing", async () => {
    const out = join(folder, "unfit");
    await expect(cutCheckpoint(files(values.slice(0, 100)), "", out, 3)).rejects.toThrow("expected at least 1264 rows");
    await expect(cutCheckpoint(files(values, "other"), "", out, 3)).rejects.toThrow("embed_tokens");
    expect(await readdir(folder)).not.toContain("unfit");
  });
});
