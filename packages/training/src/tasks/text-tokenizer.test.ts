import { readFileSync } from "node:fs";
import fc from "fast-check";
import { memoryFiles } from "universal-audio-tokenizer/internal";
import { describe, expect, test } from "vitest";
import { byteTokenizer } from "./byte-tokenizer.ts";
import { ADDED_START_TOKENS, START_TOKENS, TASKS } from "./tasks.ts";
import { TextTokenizer } from "./text-tokenizer.ts";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../../tests/fixtures/text/${name}`, import.meta.url), "utf8"));
const golden = read("ids.json") as {
  size: number;
  special: Record<string, number>;
  samples: { text: string; ids: number[] }[];
  learned: { texts: string[]; merges: [string, string][] }[];
};
const whisper = new TextTokenizer(read("tokenizer.json"));
const bytes = byteTokenizer();

describe("Whisper's vocabulary", () => {
  test.each(golden.samples)("ids of $text equal transformers'", ({ text, ids }) => {
    expect(whisper.encode(text)).toEqual(ids);
    expect(whisper.decode(ids)).toBe(text);
  });

  test("start tokens are appended as add_special_tokens does", () => {
    expect(whisper.size).toBe(golden.size);
    for (const task of TASKS) expect(whisper.start(task)).toBe(golden.special[START_TOKENS[task]]);
    expect(whisper.end).toBe(golden.special["<|endoftext|>"]);
  });

  test("what a checkpoint stores gives the same tokenizer", async () => {
    const again = await TextTokenizer.read(memoryFiles({ "tokenizer.json": JSON.stringify(whisper.json) }));
    expect(again.json).toEqual(whisper.json);
    expect(again.size).toBe(whisper.size);
  });

  test("an answer ends at the end token", () => {
    const ids = whisper.encode("the sun");
    expect(whisper.answer([...ids, whisper.end, ...ids])).toBe("the sun");
    expect(whisper.answer([whisper.start("sap"), ...ids])).toBe("the sun");
  });
});

describe("tokenizer of bytes", () => {
  test("without byte pairs its ids are the bytes", () => {
    const plain = byteTokenizer({ texts: [] });
    expect(plain.size).toBe(256 + 5);
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const ids = plain.encode(text);
        expect(ids).toHaveLength(new TextEncoder().encode(text).length);
        expect(plain.decode(ids)).toBe(text);
      }),
    );
    // Whisper's order
    expect(plain.encode("!A~\u0000")).toEqual(whisper.encode("!A~\u0000"));
  });

  test("any text comes back, whatever its byte pairs", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.json(), fc.constantFrom(...golden.samples.map((s) => s.text))),
        (text) => {
          expect(bytes.decode(bytes.encode(text))).toBe(text);
        },
      ),
    );
  });

  test("keys and closed lists of answers are single tokens", () => {
    for (const word of ["transcription", "nonLinguisticEvents", "continuousEvents", "Elderly", "Female", "Surprise"])
      expect(bytes.encode(word)).toHaveLength(1);
  });

  test("has the tasks' start tokens after the bytes and pairs", () => {
    const first = bytes.size - 5;
    expect([bytes.end, ...TASKS.map((task) => bytes.start(task))]).toEqual([0, 1, 2, 3, 4].map((i) => first + i));
    expect(bytes.json.added_tokens.slice(2).map((t) => t.content)).toEqual(ADDED_START_TOKENS);
  });

  test.each(golden.learned)("byte pairs are those that tokenizers' BpeTrainer learns", ({ texts, merges }) => {
    expect(byteTokenizer({ texts, merges: merges.length + 1 }).json.model.merges.slice(0, merges.length)).toEqual(
      merges,
    );
  });
});

test.each([
  ["no object", [], "the file"],
  ["no model", { added_tokens: [] }, "model"],
  ["no merges", { model: { vocab: {} } }, "model.merges"],
  ["an id that is none", { model: { vocab: { a: -1 }, merges: [] }, pre_tokenizer: {} }, "model.vocab"],
  [
    "no end token",
    { model: { vocab: { a: 0 }, merges: [] }, pre_tokenizer: { type: "ByteLevel" }, added_tokens: [] },
    "<|endoftext|>",
  ],
  [
    "an unknown pre-tokenizer",
    { ...read("tokenizer.json"), pre_tokenizer: { type: "Nonsense" } },
    "cannot be used to write text",
  ],
])("a tokenizer.json with %s is refused", (_, json, message) => {
  expect(() => new TextTokenizer(json)).toThrow(message);
  expect(() => new TextTokenizer(json)).toThrow(/^tokenizer\.json: /);
});
