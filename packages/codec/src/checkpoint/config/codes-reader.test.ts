import { expect, test } from "vitest";
import { memoryFiles } from "../model-files.ts";
import { parseCodesReaderConfig, readCodesReaderConfig } from "./codes-reader.ts";

const good = { characters: ["a", " "], labels: ["speech", "gender: Male"] };
const parse = (fields: object) => parseCodesReaderConfig({ ...good, ...fields }, "config.json");

test("sizes have defaults", () => {
  expect(parse({})).toMatchObject({ vocab_size: 8192, frame_rate: 25, num_blocks: 6, hidden_size: 256 });
});

test.each([
  [{ characters: undefined }, "characters is missing; expected a list of characters"],
  [{ characters: [] }, "characters is []; expected at least one character"],
  [{ characters: ["a", "a"] }, "expected no character twice"],
  [{ labels: ["speech", "speech"] }, "expected no label twice"],
  [{ labels: ["mood: calm"] }, 'expected labels such as "speech" and "gender: Female"'],
  [{ kernel_size: 4 }, "kernel_size is 4; expected an odd number"],
  [{ hidden_size: 30 }, "attention_heads is 4; expected a divisor of hidden_size, which is 30"],
  [{ frame_rate: 0 }, "frame_rate is 0; expected a number of at least 1"],
  [{ vocab_size: -1 }, "vocab_size is -1; expected a whole number above 0"],
  [{ codebook_sha256: "ab" }, 'codebook_sha256 is "ab"; expected 64 hexadecimal digits'],
  [{ model_type: "whisper" }, 'model_type is "whisper"; expected "codes_reader"'],
])("%j is refused", (fields, message) => {
  expect(() => parse(fields)).toThrow(message);
});

test("another network's file is refused", async () => {
  const files = memoryFiles({ "config.json": new TextEncoder().encode('{"model_type":"whisper"}') });
  await expect(readCodesReaderConfig(files, "config.json")).rejects.toThrow(
    'config.json: model_type is not "codes_reader"',
  );
});
