/** Lists from disk: questions, predictions, sentences to synthesise. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { parseRows, readPredictions, readRows } from "./node/read-rows.ts";
import { parseTtsList } from "./tts-list.ts";

const folder = mkdtempSync(join(tmpdir(), "uat-lists-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(content: string | Uint8Array): string {
  const path = join(folder, "list");
  writeFileSync(path, content);
  return path;
}

const rows = [{ id: 1, choices: ["a", "b"] }, { id: 2 }];

test.each([
  ["a JSON list", JSON.stringify(rows, null, 2)],
  ["JSON lines", rows.map((row) => JSON.stringify(row)).join("\n")],
  ["JSON lines as Windows writes them", `\uFEFF${rows.map((row) => JSON.stringify(row)).join("\r\n")}\r\n\r\n`],
  ["an object around the list", JSON.stringify({ version: 1, data: rows }, null, 2)],
])("rows of %s", async (_, text) => expect(await readRows(file(text))).toEqual(rows));

test("one row alone keeps its own lists", () => {
  expect(parseRows(JSON.stringify(rows[0]), "l")).toEqual([rows[0]]);
  expect(parseRows(JSON.stringify(rows[0], null, 2), "l")).toEqual([rows[0]]);
});

test.each<[string | Uint8Array, RegExp]>([
  ["", /list: is empty/],
  ["  \n ", /list: is empty/],
  ['{"id": 1}\n{"id":', /list:2: is not valid JSON/],
  ['[{"id": 1},', /list:1: is not valid JSON/],
  [Uint8Array.of(0xff, 0xfe, 0), /list: is no UTF-8 text/],
])("no rows: %#", async (content, message) => expect(readRows(file(content))).rejects.toThrow(message));

test("files that are not there", async () => {
  await expect(readRows(join(folder, "gone"))).rejects.toMatchObject({
    isInputError: true,
    message: expect.stringMatching(/gone: no such file/),
  });
  await expect(readRows(folder)).rejects.toThrow(/is a directory/);
});

test("predictions by clip", async () => {
  const lines = [
    '{"name": "a.wav", "prediction": "x"}',
    '{"path": "b.wav", "sap": {"k": null}}',
    '{"audio": "c.wav", "answer": null}',
  ];
  expect([...(await readPredictions(file(lines.join("\n"))))]).toEqual([
    ["a.wav", "x"],
    ["b.wav", { k: null }],
    ["c.wav", null],
  ]);
  await expect(readPredictions(file('[{"sap": "x"}]'))).rejects.toThrow(/row 1 has no clip; expected name, clip/);
  await expect(readPredictions(file('[{"name": "x"}]'))).rejects.toThrow(/row 1 has no prediction/);
  await expect(readPredictions(file("[3]"))).rejects.toThrow(/row 1 has no clip/);
});

test("lines of a SEED-TTS list", () => {
  const text = "\uFEFFu1|Some prompt.|prompts/p1.wav|Say this.\r\nu2||prompts/p2.wav|And that.|truth/u2.wav\n\n";
  expect(parseTtsList(text, "meta.lst")).toEqual([
    { id: "u1", promptText: "Some prompt.", prompt: "prompts/p1.wav", target: "Say this." },
    { id: "u2", promptText: "", prompt: "prompts/p2.wav", target: "And that." },
  ]);
  for (const [bad, message] of [
    ["", /holds no lines/],
    ["u1|a|b.wav", /meta\.lst:1: has 3 fields; expected id\|prompt text/],
    ["u1|a|b.wav|c|d|e", /:1: has 6 fields/],
    ["u1|a|b.wav|c\nu1|a|b.wav|c", /:2: u1 is there twice/],
    ["|a|b.wav|c", /:1: an empty field/],
    ["u1|a|b.wav| ", /:1: an empty field/],
  ] as const)
    expect(() => parseTtsList(bad, "meta.lst")).toThrow(message);
});
