import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hasAdapter, SOFTWARE_GPU } from "./adapter.ts";
import { bundlePage, type StartedPage, startPage } from "./harness.ts";
import type { GradientReport, TrainingPage } from "./training-page.ts";

const entry = new URL("training-page.ts", import.meta.url);
const fixtures = new URL("../fixtures/training/", import.meta.url);
const staticDirs = { "/training/": fixtures };

interface Expected {
  readonly eval: { readonly gamma_mean: number };
  readonly not_trained: string[];
  readonly steps: { readonly loss: number; readonly ce_loss: number; readonly quantized_loss: number }[];
}
const expected = JSON.parse(readFileSync(new URL("seq2seq/expected.json", fixtures), "utf8")) as Expected;

const compare = ({ page }: StartedPage, device: "wasm" | "webgpu", recompute: boolean): Promise<GradientReport> =>
  page.evaluate(
    ([kind, notTrained, twice]) =>
      (globalThis as unknown as TrainingPage).compareGradients(kind, "/training/seq2seq/", notTrained, twice),
    [device, expected.not_trained, recompute] as const,
  );

/** Loss and its parts within 1e-5, every gradient of PyTorch's within 1e-4 of its largest value. */
function check(report: GradientReport): void {
  const [step] = expected.steps;
  expect(Math.abs(report.loss / step!.loss - 1)).toBeLessThan(1e-5);
  expect(report.again).toBe(report.loss);
  expect(Math.abs(report.metrics.text_loss! / step!.ce_loss - 1)).toBeLessThan(1e-5);
  expect(Math.abs(report.metrics.quantizer_loss! / step!.quantized_loss - 1)).toBeLessThan(1e-5);
  expect(Math.abs(report.metrics.gamma! / expected.eval.gamma_mean - 1)).toBeLessThan(1e-5);
  expect(report.without).toEqual([]);
  expect(Object.keys(report.errors).sort()).toEqual([...report.expected].sort());
  if (process.env.UAT_REPORT)
    console.log(
      report.runtime,
      Object.entries(report.errors)
        .sort((a, b) => b[1] - a[1])
        .slice(0, 5),
    );
  for (const [name, error] of Object.entries(report.errors)) expect(error, name).toBeLessThan(1e-4);
}

test("the objectives, their gradients and their arenas hold nothing of Node", async () => {
  expect(await bundlePage(entry)).not.toMatch(/node:(fs|worker_threads|path|os)|onnxruntime-node/);
});

test("a tokeniser's gradients in Chromium, on WASM, are PyTorch's", async () => {
  const started = await startPage(entry, { staticDirs });
  try {
    for (const recompute of [false, true]) {
      const report = await compare(started, "wasm", recompute);
      expect(report.runtime).toBe("wasm");
      check(report);
    }
  } finally {
    await started.close();
  }
});

/** WebGPU as WASM, though WGSL's division and roots are not rounded exactly: the worst of a software adapter was 1.4e-5. */
test("a tokeniser's gradients in Chromium, on WebGPU, are PyTorch's", { timeout: 300_000 }, async ({ skip }) => {
  const started = await startPage(entry, { staticDirs, flags: SOFTWARE_GPU });
  try {
    if (!(await hasAdapter(started.page))) skip();
    const report = await compare(started, "webgpu", false);
    expect(report.runtime).toBe("webgpu");
    check(report);
  } finally {
    await started.close();
  }
});
