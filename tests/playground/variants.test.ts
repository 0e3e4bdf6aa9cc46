/** The built page elsewhere: without isolation, on WebGPU, with a model that has a gate, for assistive technology. */
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasAdapter, SOFTWARE_GPU } from "../browser/adapter.ts";
import { decoded, type Site, startSite } from "./site.ts";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
/** A tokeniser with a gate and a flow decoder, both tiny. */
const TINY = "/?model=/models/tiny/";

async function open(site: Site, address: string, sample = "speech") {
  const opened = await site.open(address);
  await opened.page.click(`[data-sample="${sample}"]`);
  await decoded(opened.page);
  return opened;
}

describe("on the page", () => {
  let site: Site;
  beforeAll(async () => {
    site = await startSite();
  });
  afterAll(() => site?.close());

  /** What axe finds that is serious or worse. */
  async function findings(page: Page): Promise<string[]> {
    await page.addScriptTag({ path: axe });
    return page.evaluate(async () => {
      const { run } = (globalThis as unknown as { axe: { run(o: object): Promise<{ violations: Violation[] }> } }).axe;
      interface Violation {
        readonly id: string;
        readonly impact: string;
        readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
      }
      const { violations } = await run({ resultTypes: ["violations"] });
      return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .map(({ id, nodes }) => `${id}: ${nodes.map((n) => `${n.html} ${n.failureSummary}`).join(" | ")}`);
    });
  }

  test.each(["light", "dark"] as const)("axe finds nothing serious, %s", async (colorScheme) => {
    const { page, errors } = await site.open(`${TINY}&device=wasm`, { colorScheme });
    expect(await findings(page)).toEqual([]);
    await page.click('[data-sample="speech"]');
    await decoded(page);
    expect(await page.getAttribute("html", "data-theme")).toBe(colorScheme);
    expect(await findings(page)).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });

  test.each([360, 768, 1440])("at %s pixels everything fits", async (width) => {
    const { page } = await site.open(`${TINY}&device=wasm`, { viewport: { width, height: 800 } });
    const over = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(await over()).toBe(0);
    await page.click('[data-sample="scene"]');
    await decoded(page);
    expect(await over()).toBe(0);
    await page.close();
  });

  test("the theme is chosen and kept", async () => {
    const { page } = await site.open("/", { colorScheme: "light" });
    await page.click("#theme");
    expect(await page.getAttribute("html", "data-theme")).toBe("dark");
    await page.reload();
    expect(await page.getAttribute("html", "data-theme")).toBe("dark");
    await page.close();
  });

  test("γ is drawn where the model has a gate, and until the tokens are edited", async () => {
    const { page, errors } = await open(site, `${TINY}&device=wasm`);
    expect(await page.locator("#name-gate").isVisible()).toBe(true);
    expect(await page.innerText("#facts")).not.toContain("no gate");
    await page.click('[data-tool="cut"]');
    await decoded(page);
    expect(await page.locator("#name-gate").isVisible()).toBe(false);
    expect(errors).toEqual([]);
    await page.close();
  });

  test("threads are used, but not all cores", async () => {
    const { page } = await open(site, `${TINY}&device=wasm`);
    const cores = await page.evaluate(() => (crossOriginIsolated ? navigator.hardwareConcurrency : 0));
    const threads = Math.max(1, Math.min(8, cores - 1));
    expect(await page.innerText("#engine")).toContain(`WASM, ${threads} thread`);
    await page.close();
  });

  test("left to itself it says why it stays on WASM", async () => {
    const { page } = await open(site, TINY);
    await page.waitForFunction(() => document.getElementById("engine")?.title);
    expect(await page.getAttribute("#engine", "title")).toMatch(/no WebGPU adapter|made of software/);
    await page.close();
  });

  test("a model that is not there can be tried again", async () => {
    const { page } = await site.open("/?model=/models/none/");
    await page.click('[data-sample="speech"]');
    await page.waitForFunction(() => document.getElementById("veil")?.classList.contains("failed"));
    expect(await page.innerText("#veil")).toContain("no tokenizer/config.json here");
    expect(await page.innerText("#engine")).toContain("could not be loaded");
    expect(await page.locator("#veil button").isVisible()).toBe(true);
    await page.close();
  });
});

test("without isolation it runs on one thread and gives the same codes", async () => {
  const codes: string[] = [];
  for (const isolated of [true, false]) {
    const site = await startSite({ isolated });
    try {
      const { page, errors } = await open(site, `${TINY}&device=wasm`);
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
      if (!isolated) expect(await page.innerText("#engine")).toContain("WASM, 1 thread");
      await page.click('[data-take="link"]');
      await page.waitForFunction(() => location.hash.startsWith("#t="));
      codes.push(new URL(page.url()).hash.split(".").at(-1) as string);
      expect(errors).toEqual([]);
    } finally {
      await site.close();
    }
  }
  expect(codes[1]).toBe(codes[0]);
});

test("WebGPU, where there is an adapter, gives WASM's codes", { timeout: 300_000 }, async ({ skip }) => {
  const site = await startSite({ flags: SOFTWARE_GPU });
  try {
    const codes: string[] = [];
    for (const device of ["wasm", "webgpu"]) {
      const { page, errors } = await site.open(`${TINY}&device=${device}`);
      if (!(await hasAdapter(page))) skip();
      await page.click('[data-sample="speech"]');
      // sound would take a software adapter minutes
      await page.waitForSelector('[data-take="link"]:enabled', { state: "attached", timeout: 250_000 });
      expect(await page.innerText("#engine")).toContain(device === "webgpu" ? "WebGPU" : "WASM");
      await page.click('[data-take="link"]');
      await page.waitForFunction(() => location.hash.startsWith("#t="));
      codes.push(new URL(page.url()).hash.split(".").at(-1) as string);
      expect(errors).toEqual([]);
      await page.close();
    }
    expect(codes[1]).toBe(codes[0]);
  } finally {
    await site.close();
  }
});
