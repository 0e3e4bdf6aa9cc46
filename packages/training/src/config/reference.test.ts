import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keyRows, keyTables, upstreamTable } from "./reference.ts";
import { SYSTEMS } from "./run-config.ts";

const page = new URL("../../../../docs/training.md", import.meta.url);

/** The part of the page between two comments. `UPDATE_DOCS=1` writes it anew. */
function section(name: string, wanted: string): string {
  const text = readFileSync(page, "utf8");
  const [begin, end] = [`<!-- ${name} -->\n`, `\n<!-- end of ${name} -->`];
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)];
  expect(from, `${begin} in docs/training.md`).toBeGreaterThanOrEqual(begin.length);
  expect(to, `${end} in docs/training.md`).toBeGreaterThan(0);
  if (process.env.UPDATE_DOCS) writeFileSync(page, text.slice(0, from) + wanted + text.slice(to));
  return process.env.UPDATE_DOCS ? wanted : text.slice(from, to);
}

test("docs/training.md lists every key as the schemas have it", () => {
  expect(section("keys", keyTables())).toBe(keyTables());
});

test("docs/training.md lists every name of upstream's file that is understood", () => {
  expect(section("upstream", upstreamTable())).toBe(upstreamTable());
});

test.each(SYSTEMS)("every key of %s has a meaning", (system) => {
  expect(
    keyRows(system)
      .filter((row) => row.meaning === "")
      .map((row) => row.path),
  ).toEqual([]);
});
