/** The bundles: what may and may not be in them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./run-uat.ts";

const dist = join(root, "packages/codec/dist");
const text = (platform: string) =>
  readdirSync(join(dist, platform))
    .filter((f) => f.endsWith(".js"))
    .map((f) => [f, readFileSync(join(dist, platform, f), "utf8")] as const);

const specifiers = (code: string) =>
  [...code.matchAll(/(?:from|import)\s*\(?\s*["']([^"'\n]+)["']/g)].map((m) => m[1] as string);

test("the browser bundle imports nothing of Node", () => {
  for (const [file, code] of text("browser")) {
    expect(
      specifiers(code).filter((s) => s.startsWith("node:") || s === "onnxruntime-node"),
      file,
    ).toEqual([]);
    expect(code.includes("node:"), file).toBe(false);
  }
});

test("everything imported from outside is a dependency of the published package", () => {
  const manifest = JSON.parse(readFileSync(join(root, "packages/codec/package.json"), "utf8"));
  const known = Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  });
  for (const platform of ["node", "browser"])
    for (const [file, code] of text(platform))
      for (const specifier of specifiers(code).filter((s) => /^[@a-z]/.test(s) && !s.startsWith("node:")))
        expect(
          known.some((name) => specifier === name || specifier.startsWith(`${name}/`)),
          `${platform}/${file} imports ${specifier}`,
        ).toBe(true);
});

test("the inference worker lies beside the file that starts it", () => {
  const starter = text("node").filter(([, code]) => code.includes('"./native-worker.js"'));
  expect(starter).toHaveLength(1);
  expect(readdirSync(join(dist, "node"))).toContain("native-worker.js");
});

test("the types stand alone", () => {
  const types = readFileSync(join(dist, "types/index.d.ts"), "utf8");
  expect(types).toContain("class AudioTokenizer");
  expect(types).not.toMatch(/@uat\//);
});
