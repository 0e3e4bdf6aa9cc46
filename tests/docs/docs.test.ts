/** The documentation tells the truth: docstrings are complete, links lead somewhere, examples run, the card fits. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** Runs a script with this Node. */
async function node(args: readonly string[], cwd: string): Promise<{ code: number; stdout: string; output: string }> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd, encoding: "utf8" });
    return { code: 0, stdout, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: number; stdout: string; stderr: string };
    return { code: code ?? -1, stdout, output: stdout + stderr };
  }
}

test("everything public has a docstring, and its links resolve", async () => {
  const { code, output } = await node(["node_modules/typedoc/bin/typedoc", "--emit", "none"], root);
  expect(code, output).toBe(0);
});

/** Markdown files in a folder and, where asked for, below it. */
function markdownIn(folder: string, deep = false): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: deep })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".md"))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

/** Targets of the links and images of a page that lead to files. */
function fileLinks(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)]
    .map((match) => match[1] as string)
    .filter((target) => !/^(#|[a-z][a-z0-9+.-]*:)/i.test(target));
}

const pages = [...markdownIn("."), ...markdownIn("docs"), ...markdownIn("models", true)];
for (const recipe of readdirSync(join(root, "recipes"))) pages.push(join("recipes", recipe, "README.md"));

test.each(pages)("links of %s lead to files", (page) => {
  const missing = fileLinks(read(page)).filter((target) => {
    const [path = ""] = target.split(/[#?]/);
    return !existsSync(join(root, dirname(page), decodeURIComponent(path)));
  });
  expect(missing).toEqual([]);
});

describe("examples, as a user runs them", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "uat-docs-test-"));
    symlinkSync(join(root, "models"), join(folder, "models"), "junction");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (name: string) => node([join(root, "examples", name)], folder);

  test("tokenize.mjs", async () => {
    const { code, stdout, output } = await run("tokenize.mjs");
    expect(code, output).toBe(0);
    const [head = "", ...rest] = stdout.trim().split("\n");
    const [, seconds, tokens] =
      /^models\/samples\/speech\.flac: (\d+\.\d\d) s → codes \[1,1,(\d+)\] at 25 Hz, \w+/.exec(head) ?? [];
    expect(Math.abs(Number(tokens) - 25 * Number(seconds))).toBeLessThan(1.2); // seconds are rounded, tokens up
    expect(rest.slice(0, 3).join("\n")).toMatch(
      /^ {2}code \d+ stands for 0–0.04 s\n {2}code \d+ stands for 0.04–0.08 s\n {2}code \d+ stands for 0.08–0.12 s$/,
    );
    expect(rest[3]).toMatch(/^reconstruction\.wav: \d+\.\d\d s by acoustic model/);
    expect(rest).toHaveLength(4);
    expect(readFileSync(join(folder, "reconstruction.wav")).subarray(0, 4).toString()).toBe("RIFF");
  });

  test("stream.mjs", async () => {
    const { code, stdout, output } = await run("stream.mjs");
    expect(code, output).toBe(0);
    const lines = stdout.trim().split("\n");
    expect(lines.length).toBeGreaterThan(2);
    let samples = 0;
    for (const line of lines) {
      const [, more, seconds] = /^\+(\d+) samples, (\d+\.\d\d) s so far$/.exec(line) ?? [];
      samples += Number(more);
      expect(seconds, line).toBe((samples / 22050).toFixed(2));
    }
  });
});

test.each(["base", "base-sap"])("the card of models/%s lists the files that are there, with their hashes", (name) => {
  const folder = join(root, "models", name);
  const files = readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name !== "README.md")
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const lines = files.map((file) => {
    const hash = createHash("sha256").update(readFileSync(file)).digest("hex");
    return `${hash}  ${relative(folder, file)}`;
  });
  expect(read(`models/${name}/README.md`).match(/^[0-9a-f]{64} {2}.+$/gm)).toEqual(lines);
});

test("the card of models/base credits every source of the recipe with its version and licence", () => {
  const card = read("models/base/README.md");
  const manifest = JSON.parse(read("recipes/base/sources.json")) as Record<
    "weights" | "audio",
    { name: string; registry: string; version: string; licence: string; attribution: string }[]
  >;
  for (const s of [...manifest.weights, ...manifest.audio])
    expect(card).toContain(`| \`${s.name}\` (${s.registry}) | ${s.version} | ${s.licence} | ${s.attribution} |`);
});
