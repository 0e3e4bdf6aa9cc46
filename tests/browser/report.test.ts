import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RunLog } from "../../packages/training/src/report/run-log.ts";
import { launchChromium } from "./chromium.ts";

let browser: Browser;
let url: string;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "report-"));
  const log = await RunLog.open(folder, {
    runInfo: { title: "tiny", totalSteps: 2000, seed: 1, config: "task: sap", sources: [], versions: {} },
  });
  for (let step = 1; step <= 1000; step++) {
    log.step({ step, loss: 10 / step + (step % 2), lr_a: step * 1e-6, lr_b: step * 1e-7 });
    if (step % 250 === 0) log.evaluation({ step, split: "validation", loss: 10 / step, wer: 50 / step });
  }
  const tone = Float32Array.from({ length: 4000 }, (_, i) => 0.3 * Math.sin(i / 5));
  log.sample({ step: 1000, kind: "audio", name: "tone", sampleRate: 8000, target: tone, prediction: tone });
  const mel = { mels: 20, frames: 60, data: Float32Array.from({ length: 1200 }, (_, i) => Math.sin(i / 9)) };
  log.sample({ step: 1000, kind: "spectrogram", name: "tone", target: mel, prediction: mel });
  log.sample({ step: 1000, kind: "text", name: "words", target: "a b", prediction: "a c".repeat(60) });
  await log.flush();
  url = pathToFileURL(join(folder, "report.html")).href;
  browser = await launchChromium();
});
afterAll(() => browser?.close());

async function open(options: Parameters<Browser["newPage"]>[0] = {}): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage(options);
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => errors.push(message.text()));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) errors.push(`asked for ${request.url()}`);
  });
  await page.goto(url);
  return { page, errors };
}

test("values appear under the pointer and by the arrow keys", async () => {
  const { page, errors } = await open();
  const plot = page.locator('[data-chart="0"]');
  const box = (await plot.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, box.y + 80);
  expect(await plot.locator(".tip").innerText()).toMatch(/step 4\d\d\n.*train.*\n.*validation 0\.02 at 500/s);
  await page.mouse.move(2, 2);
  expect(await plot.locator(".tip").isVisible()).toBe(false);
  await plot.locator("svg").first().focus();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowLeft");
  const before = await plot.locator(".tip b").first().innerText();
  await page.keyboard.press("ArrowLeft");
  const after = await plot.locator(".tip b").first().innerText();
  expect(Number(before.replace(/\D/g, "")) - Number(after.replace(/\D/g, ""))).toBe(2); // two steps a bucket
  expect(errors).toEqual([]);
  await page.close();
});

test("smoothing and the axis change the curves and outlast a reload", async () => {
  const { page, errors } = await open();
  const path = () => page.locator('[data-chart="0"] path.line').first().getAttribute("d");
  const first = await path();
  await page.locator("#smoothing").fill("0");
  const raw = await path();
  await page.locator("#log-axis").check();
  const logarithmic = await path();
  expect(new Set([first, raw, logarithmic]).size).toBe(3);
  await page.reload();
  expect(await path()).toBe(logarithmic);
  expect(await page.locator("#log-axis").isChecked()).toBe(true);
  expect(errors).toEqual([]);
  await page.close();
});

test.each([360, 768, 1440])("at %s pixels everything fits, pictures show and sounds can be played", async (width) => {
  const { page, errors } = await open({ viewport: { width, height: 800 } });
  const found = await page.evaluate(async () => {
    const sounds = [...document.querySelectorAll("audio")];
    await Promise.all(
      sounds.map((s) => s.readyState > 0 || new Promise((done) => s.addEventListener("loadedmetadata", done))),
    );
    return {
      over: document.documentElement.scrollWidth - innerWidth,
      lengths: sounds.map((s) => s.duration),
      images: [...document.images].map((i) => i.naturalWidth),
      unnamed: [
        ...document.querySelectorAll("img:not([alt]), audio:not([aria-label]), svg[role=img]:not([aria-label])"),
      ].length,
    };
  });
  expect(found).toEqual({ over: 0, lengths: [0.5, 0.5], images: [420, 420], unnamed: 0 });
  expect(errors).toEqual([]);
  await page.close();
});

test("without scripts there are curves and tables all the same", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url);
  expect(await page.locator("path.line").count()).toBe(5);
  expect(await page.locator("#settings").isVisible()).toBe(false);
  await page.locator("summary").first().click();
  expect(await page.locator("details table").first().innerText()).toMatch(/1,000\s+\S+\s+0\.01/);
  await context.close();
});
