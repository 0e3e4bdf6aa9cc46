import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasAdapter, SOFTWARE_GPU } from "./adapter.ts";
import type { GraphPage } from "./graph-page.ts";
import { bundlePage, type StartedPage, startPage } from "./harness.ts";

const entry = new URL("graph-page.ts", import.meta.url);
const staticDirs = { "/ops/": new URL("../fixtures/ops/", import.meta.url) };
const files = ["elementwise", "shape", "linear", "reduce", "training"].map((family) => `/ops/${family}.json`);

test("the bundle holds nothing of Node", async () => {
  const script = await bundlePage(entry);
  expect(script).not.toMatch(/node:(fs|worker_threads|path|os)|onnxruntime-node/);
  await expect(bundlePage(new URL("harness.ts", import.meta.url))).rejects.toThrow(/node:/);
});

describe("Chromium", () => {
  let started: StartedPage;
  beforeAll(async () => {
    started = await startPage(entry, { staticDirs });
  });
  afterAll(() => started?.close());

  test("the page is isolated and has threads", async () => {
    const facts = await started.page.evaluate(() => [crossOriginIsolated, typeof SharedArrayBuffer]);
    expect(facts).toEqual([true, "function"]);
  });

  test("every operator golden on WASM", async () => {
    const report = await started.page.evaluate(
      (names) => (globalThis as unknown as GraphPage).checkGoldens("wasm", names, "all"),
      files,
    );
    expect(report.failures).toEqual([]);
    expect(report.runtime).toBe("wasm");
    expect(report.checked).toBeGreaterThan(200);
    for (const [op, error] of Object.entries(report.errors)) expect(error, op).toBeLessThanOrEqual(2e-6);
    expect(started.errors).toEqual([]);
  });

  test("without an adapter, webgpu is refused in one line", async () => {
    const refusal = started.page.evaluate(
      (names) => (globalThis as unknown as GraphPage).checkGoldens("webgpu", names, "first"),
      files,
    );
    await expect(refusal).rejects.toThrow("no WebGPU adapter");
  });
});

test("operators on WebGPU, where there is an adapter", async ({ skip }) => {
  const started = await startPage(entry, { staticDirs, flags: SOFTWARE_GPU });
  try {
    if (!(await hasAdapter(started.page))) skip();
    const report = await started.page.evaluate(
      (names) => (globalThis as unknown as GraphPage).checkGoldens("webgpu", names, "first"),
      files,
    );
    expect(report.failures).toEqual([]);
    expect(report.runtime).toBe("webgpu");
    expect(report.checked).toBeGreaterThan(35);
    for (const [op, error] of Object.entries(report.errors)) {
      // WGSL promises sine and cosine to 2^-11 only
      expect(error, op).toBeLessThanOrEqual(op === "sin" || op === "cos" ? 2 ** -11 : 1e-5);
    }
  } finally {
    await started.close();
  }
});
