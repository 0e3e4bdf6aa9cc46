/** The built page in Chromium, with the default model on WASM. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fromFragment } from "../../apps/playground/src/share/fragment.ts";
import { AudioTokenizer, decodeAudio, encodeWav } from "../../packages/codec/src/index.ts";
import { readNpy } from "../../packages/codec/src/internal-portable.ts";
import { decoded, type Site, startSite } from "./site.ts";

const sample = (name: string) => fileURLToPath(new URL(`../../models/samples/${name}.flac`, import.meta.url));
const base = fileURLToPath(new URL("../../models/base", import.meta.url));

let folder: string;
let site: Site;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "playground-"));
  const { channels, sampleRate } = await decodeAudio(readFileSync(sample("speech")));
  // three seconds of it, again and again: what the microphone hears
  writeFileSync(join(folder, "voice.wav"), encodeWav([channels[0]!.subarray(0, 3 * sampleRate)], sampleRate));
  site = await startSite({
    flags: [
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${join(folder, "voice.wav")}`,
    ],
  });
});
afterAll(async () => {
  await site?.close();
  rmSync(folder, { recursive: true });
});

async function taken(page: Page, kind: "json" | "npy" | "wav"): Promise<Buffer> {
  const [download] = await Promise.all([page.waitForEvent("download"), page.click(`[data-take="${kind}"]`)]);
  return readFileSync(await download.path());
}

async function codesOf(page: Page): Promise<number[]> {
  return (JSON.parse((await taken(page, "json")).toString()) as { codes: number[] }).codes;
}

const rms = (samples: Float32Array) => Math.sqrt(samples.reduce((s, v) => s + v * v, 0) / samples.length);

describe("a sample", () => {
  let page: Page;
  let errors: string[];
  beforeAll(async () => {
    ({ page, errors } = await site.open("/?device=wasm"));
    await page.click('[data-sample="speech"]');
    await decoded(page);
  });
  afterAll(() => page?.close());

  test("gives the codes that Node gives, and takes no more requests than files", async () => {
    const tokenizer = await AudioTokenizer.fromPretrained(base, { threads: 1 });
    const { clips } = await tokenizer.encode(sample("speech"));
    await tokenizer.dispose();
    const codes = await codesOf(page);
    expect(codes).toEqual([...clips[0]!.codes]);
    expect([...readNpy(await taken(page, "npy")).data].map(Number)).toEqual(codes);
    for (const [request, count] of site.requests)
      if (request.startsWith("GET /models/") && request.endsWith(".safetensors")) expect(count, request).toBe(1);
    expect(errors).toEqual([]);
  });

  test("gives sound as long as its codes", async () => {
    const { channels, sampleRate } = await decodeAudio(await taken(page, "wav"));
    expect(channels[0]!.length / sampleRate).toBeCloseTo(88 / 25, 1);
    expect(rms(channels[0]!)).toBeGreaterThan(0.003);
  });

  test("plays, changes over while it plays, and comes to its end", async () => {
    const seconds = async () => Number((await page.innerText("#now")).split(":")[1]);
    await page.click("#play");
    await page.waitForFunction(() => Number(document.getElementById("now")?.textContent?.split(":")[1]) > 0.4);
    await page.click("#side-input");
    expect(await page.getAttribute("#side-input", "aria-checked")).toBe("true");
    expect(await page.getAttribute("#play", "aria-label")).toBe("Pause");
    await page.click("#play");
    const stopped = await seconds();
    expect(stopped).toBeGreaterThan(0.4);
    await page.click("#play");
    await page.waitForFunction(
      () => document.getElementById("play")?.getAttribute("aria-label") === "Play",
      undefined,
      {
        timeout: 20_000,
      },
    );
    expect(await seconds()).toBe(0);
  });

  test("is edited by keys, heard again, and taken back", async () => {
    const before = await codesOf(page);
    await page.focus("#strip");
    await page.keyboard.press("Home");
    for (let i = 0; i < 3; i++) await page.keyboard.press("Shift+ArrowRight");
    expect(await page.innerText("#selected")).toMatch(/^4 of 88 tokens/);
    await page.keyboard.press("r");
    const reversed = [...before.slice(0, 4).reverse(), ...before.slice(4)];
    expect(await codesOf(page)).toEqual(reversed);
    await page.focus("#strip");
    await page.keyboard.press("Delete");
    await decoded(page);
    expect(await codesOf(page)).toEqual(before.slice(4));
    const { channels, sampleRate } = await decodeAudio(await taken(page, "wav"));
    expect(channels[0]!.length / sampleRate).toBeCloseTo(84 / 25, 1);
    await page.click('[data-tool="undo"]');
    expect(await codesOf(page)).toEqual(reversed);
    await page.click('[data-tool="redo"]');
    await page.click('[data-tool="reset"]');
    expect(await codesOf(page)).toEqual(before);
    expect(errors).toEqual([]);
  });

  test("tells a screen reader which token is pointed at, and lights it on the strip", async () => {
    await page.focus("#strip");
    await page.keyboard.press("End");
    const [codes, active] = [await codesOf(page), await page.getAttribute("#strip", "aria-activedescendant")];
    await page.focus("#strip");
    expect(active).toBe("token-87");
    const option = page.locator("#token-87");
    expect(await option.getAttribute("aria-setsize")).toBe("88");
    expect(await option.textContent()).toContain(`Code ${codes[87]}, at 3.48 seconds`);
    const box = (await page.locator("#strip").boundingBox())!;
    await page.mouse.move(box.x + (box.width * 10.5) / 88, box.y + 20);
    expect(await page.innerText("#token strong")).toBe(String(codes[10]));
  });
});

test("tokens are pasted and swapped between clips", async () => {
  const { page, errors } = await site.open("/?device=wasm");
  for (const name of ["speech", "scene"]) {
    await page.click(`[data-sample="${name}"]`);
    await decoded(page);
  }
  const scene = await codesOf(page);
  await page.click('[data-clip="1"]');
  const speech = await codesOf(page);
  const [a, b] = [speech.slice(0, 2), scene.slice(0, 1)];
  await page.focus("#strip");
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+ArrowRight");
  await page.click('[data-tool="copy"]');
  await page.click('[data-clip="2"]');
  await page.focus("#strip");
  await page.keyboard.press("Home");
  await page.click('[data-tool="paste"]');
  expect(await codesOf(page)).toEqual([...b, ...a, ...scene.slice(1)]);
  await page.click('[data-tool="undo"]');
  await page.focus("#strip");
  await page.keyboard.press("Home");
  await page.click('[data-tool="swap"]');
  expect(await codesOf(page)).toEqual([...a, ...scene.slice(1)]);
  await page.click('[data-clip="1"]');
  await page.focus("#strip");
  await page.keyboard.press("Home");
  await page.keyboard.press("Shift+ArrowRight");
  await page.click('[data-tool="swap"]');
  expect(await codesOf(page)).toEqual([...b, ...speech.slice(2)]);
  expect(errors).toEqual([]);
  await page.close();
});

test("what the microphone hears becomes tokens and sound", async () => {
  const { page, errors } = await site.open("/?device=wasm", { permissions: ["microphone"] });
  await page.click("#record");
  await page.waitForFunction(() => (document.getElementById("recorded")?.textContent ?? "") >= "0:02.5");
  await page.click("#stop");
  await decoded(page);
  const codes = await codesOf(page);
  expect(codes.length).toBeGreaterThan(2.4 * 25);
  expect(new Set(codes).size).toBeGreaterThan(20);
  const { channels } = await decodeAudio(await taken(page, "wav"));
  expect(rms(channels[0]!)).toBeGreaterThan(0.002);
  await page.click("#play");
  await page.waitForFunction(() => Number(document.getElementById("now")?.textContent?.split(":")[1]) > 0.2);
  expect(errors).toEqual([]);
  await page.close();
});

test("a link holds the tokens: whoever opens it hears them", async () => {
  const { page } = await site.open("/?device=wasm");
  await page.click('[data-sample="speech"]');
  await decoded(page);
  await page.waitForFunction(() => !document.getElementById("map-text")?.textContent?.startsWith("The map"));
  const codes = await codesOf(page);
  await page.click('[data-take="link"]');
  await page.waitForFunction(() => location.hash.startsWith("#t="));
  const { hash } = new URL(page.url());
  expect([...(fromFragment(hash)?.codes ?? [])]).toEqual(codes);
  const other = await site.open(`/?device=wasm${hash}`);
  await decoded(other.page);
  expect(await codesOf(other.page)).toEqual(codes);
  expect(await other.page.locator("#side-input").isDisabled()).toBe(true);
  const broken = await site.open("/#t=1.-.8192.gA*");
  expect(await broken.page.innerText("#notice")).toContain("damaged");
  expect([...other.errors, ...broken.errors]).toEqual([]);
  for (const opened of [page, other.page, broken.page]) await opened.close();
});

test("a file that is no sound is told in a line, and the page goes on", async () => {
  const { page, errors } = await site.open("/?device=wasm");
  await page.setInputFiles("#file", {
    name: "notes.txt",
    mimeType: "text/plain",
    buffer: Buffer.from("no sound at all"),
  });
  await page.waitForFunction(() => document.getElementById("veil")?.classList.contains("failed"));
  expect(await page.innerText("#veil")).toContain("notes.txt: not an audio format");
  await page.setInputFiles("#file", sample("speech"));
  await decoded(page);
  expect((await codesOf(page)).length).toBe(88);
  expect(errors).toEqual([]);
  await page.close();
});

test("a second visit fetches no weights", async () => {
  const context = await site.browser.newContext();
  const weights = () => [...site.requests].filter(([key]) => /^GET .*safetensors/.test(key)).map(([, count]) => count);
  const visit = async () => {
    const page = await context.newPage();
    await page.goto(`${site.origin}/?device=wasm`);
    await page.waitForFunction(() => document.getElementById("engine")?.textContent?.includes("WASM"), undefined, {
      timeout: 60_000,
    });
    return page;
  };
  await (await visit()).close();
  const before = weights();
  await visit();
  expect(weights()).toEqual(before);
  await context.close();
});
