/** The examples for browsers, in Chromium: with a bundler, and with nothing but a script tag and the built package. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AudioTokenizer } from "../../packages/codec/src/index.ts";
import { launchChromium } from "../browser/chromium.ts";
import { smallServer } from "../server/small-server.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const speech = join(root, "models/samples/speech.flac");
const { resolve } = createRequire(import.meta.url);

/** Where a package lies, wherever npm put it. */
function packageFolder(name: string): string {
  const file = resolve(name);
  return file.slice(0, file.lastIndexOf(join("node_modules", name)) + join("node_modules", name).length);
}

let browser: Browser;
let codes: string;
beforeAll(async () => {
  browser = await launchChromium();
  const tokenizer = await AudioTokenizer.fromPretrained(join(root, "models/base"), { device: "cpu", threads: 1 });
  const { clips } = await tokenizer.encode(speech);
  codes = clips[0]!.codes.join(" ");
  await tokenizer.dispose();
});
afterAll(() => browser?.close());

/** Opens the page, gives it a file, and waits for what it says and for the length of what it plays. */
async function tryPage(path: string, staticFolder: string, staticMounts: Record<string, string>) {
  const { url, stop } = await smallServer({ staticFolder, staticMounts });
  const page = await browser.newPage();
  try {
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(url + path);
    await page.setInputFiles("input", speech);
    await page.waitForFunction("document.querySelector('pre').textContent.length > 20", undefined, { timeout: 90_000 });
    const said = await page.textContent("pre");
    const seconds = await page.evaluate(async () => {
      const audio = document.querySelector("audio") as HTMLAudioElement;
      const wav = await (await fetch(audio.src)).arrayBuffer();
      return (wav.byteLength - 44) / 2 / 22_050;
    });
    expect(errors).toEqual([]);
    return { said, seconds };
  } finally {
    await page.close();
    await stop();
  }
}

test("a page with a script tag, from the package as it is installed", async () => {
  const packages = ["onnxruntime-web", "fflate", "yaml", "zod"];
  const { said, seconds } = await tryPage("/script-tag.html", join(root, "examples"), {
    "/node_modules/universal-audio-tokenizer/models/": join(root, "models"),
    "/node_modules/universal-audio-tokenizer/": join(root, "packages/codec"),
    ...Object.fromEntries(packages.map((name) => [`/node_modules/${name}/`, packageFolder(name)])),
  });
  expect(said).toBe(`3.48 s → 88 codes at 25 Hz on wasm\n${codes}`);
  expect(seconds).toBeCloseTo(3.5, 1);
});

test("a page that Vite builds", async () => {
  const folder = mkdtempSync(join(tmpdir(), "uat-vite-test-"));
  try {
    const { build } = await import("vite");
    await build({
      root: join(root, "examples/vite"),
      logLevel: "error",
      build: { outDir: folder, emptyOutDir: false, minify: false, reportCompressedSize: false },
    });
    const { said, seconds } = await tryPage("/", folder, { "/models/base/": join(root, "models/base") });
    expect(said).toBe(`3.48 s → 88 codes at 25 Hz on wasm\n${codes}`);
    expect(seconds).toBeCloseTo(3.5, 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
