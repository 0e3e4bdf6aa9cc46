import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StartedPage, startPage } from "./harness.ts";
import type { TokensPage } from "./tokens-page.ts";

const fixtures = new URL("../fixtures/", import.meta.url);
let started: StartedPage;
beforeAll(async () => {
  started = await startPage(new URL("tokens-page.ts", import.meta.url), { staticDirs: { "/fixtures/": fixtures } });
});
afterAll(() => started?.close());

// AAC is the browser's own affair; every other container is decoded by the same code as in Node
test.each(["uniaudio", "glm4voice"])("Chromium gives upstream's tokens for every clip: %s", async (variant) => {
  const expected = JSON.parse(readFileSync(new URL(`tokenizers/${variant}/expected.json`, fixtures), "utf8")) as {
    files: Record<string, { tokens: number[] }>;
  };
  const names = Object.keys(expected.files);
  const { runtime, codes } = await started.page.evaluate(
    ([model, clips]) => (globalThis as unknown as TokensPage).tokenize(model as string, clips as string[]),
    [`/fixtures/tokenizers/${variant}/checkpoint/`, names.map((n) => `/fixtures/audio/${n}`)],
  );
  expect(runtime).toBe("wasm");
  for (const [i, name] of names.entries()) expect(codes[i], name).toEqual(expected.files[name]?.tokens);
});
