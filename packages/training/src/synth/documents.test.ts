/** What the documentation and the tiny recipe say of scenes is so. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseDelimited } from "../data/delimited.ts";
import { checkSceneConfig } from "./config.ts";
import { GENERATORS } from "./sources/generators.ts";

const root = new URL("../../../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root));
const page = read("docs/synthesis.md").toString();

test("examples of configurations are valid", () => {
  const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((m) => parse(m[1]!) as unknown);
  expect(examples.length).toBeGreaterThan(0);
  for (const example of examples) checkSceneConfig(example, { name: "docs/synthesis.md", folder: "/" });
});

test("every generator and every key is described", () => {
  for (const name of Object.keys(GENERATORS)) expect(page).toContain(`\`${name}\``);
  const config = checkSceneConfig({ events: { sources: [{ type: "synthetic" }] } }, { name: "", folder: "/" });
  for (const [key, value] of Object.entries(config)) {
    expect(page, key).toContain(`\`${key}`);
    if (key === "tasks" || typeof value !== "object" || Array.isArray(value)) continue;
    for (const inner of Object.keys(value))
      expect(page, `${key}.${inner}`).toMatch(new RegExp(`\`${key}\\.${inner}\`|\`\\.?${inner}`));
  }
});

test("clips of the tiny recipe are the ones their tables name, free for all", () => {
  const rows = parseDelimited(read("recipes/tiny/clips/metadata.tsv").toString(), "\t", "metadata.tsv");
  expect(rows.length).toBeGreaterThan(5);
  for (const { path, sha256, licence } of rows) {
    expect(
      createHash("sha256")
        .update(read(`recipes/tiny/clips/${path}`))
        .digest("hex"),
      path,
    ).toBe(sha256);
    expect(licence).toBe("CC0-1.0");
  }
});
