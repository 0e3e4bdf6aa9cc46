import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { Curves } from "./curves.ts";
import type { Chart } from "./page-script.ts";
import { reportPage } from "./report-page.ts";
import type { RunInfo } from "./run-info.ts";
import { RunLog } from "./run-log.ts";
import { SampleStore } from "./samples.ts";

const folder = () => join(mkdtempSync(join(tmpdir(), "run-")), "out");
const runInfo: RunInfo = {
  title: "tiny <tokenizer>",
  totalSteps: 1000,
  seed: 7,
  config: "task: sap # </script><b>",
  sources: [{ name: "scenes", split: "train", rows: 48_000, seconds: 7200, weight: 2 }],
  versions: { uat: "0.1.0" },
};
const page = (path: string) => readFileSync(join(path, "report.html"), "utf8");
const chartsOf = (path: string) =>
  JSON.parse(/<script type="application\/json" id="charts">(.*?)<\/script>/s.exec(page(path))![1]!) as Chart[];
const lossOf = (path: string) => chartsOf(path).find((c) => c.title === "Loss")!;

test("a run writes its rows, its events and a report, and nothing else", async () => {
  const path = folder();
  const log = await RunLog.open(path, { runInfo });
  expect(page(path)).toContain("No step has been made yet");
  for (let step = 1; step <= 20; step++) log.step({ step, loss: 20 - step, lr_rest: 1e-4, codebook_usage: 0.5 });
  log.evaluation({ step: 20, split: "validation", loss: 3, wer: 0.25 });
  log.sample({ step: 20, kind: "text", name: "a", target: "x <i>y</i>", prediction: "x z" });
  await log.close();
  await log.close();
  const names = readdirSync(path).sort();
  expect(names[0]).toMatch(/^events\.out\.tfevents\.\d{10}\./);
  expect(names.slice(1)).toEqual(["metrics.jsonl", "report.html", "samples", "validation"]);
  const rows = readFileSync(join(path, "metrics.jsonl"), "utf8").trim().split("\n");
  expect(rows.length).toBe(21);
  expect(JSON.parse(rows[20]!)).toEqual({ step: 20, split: "validation", loss: 3, wer: 0.25 });
  const loss = lossOf(path);
  expect(loss.lines.map((l) => [l.name, l.points, l.y.at(-1)])).toEqual([
    ["train", false, 0],
    ["validation", true, 3],
  ]);
  const html = page(path);
  expect(html).toContain("Finished");
  expect(html).toContain("&lt;i&gt;");
  expect(html).not.toContain("<i>y</i>");
  expect(html).not.toContain("</script><b>");
  expect(html).not.toMatch(/(src|href)="(?!data:)/);
});

test("a resumed run shows the curve of an uninterrupted one", async () => {
  const paths = { whole: folder(), resumed: folder() };
  const row = (step: number) => ({ step, loss: Math.sin(step), gradient_norm: step === 5 ? Number.NaN : step });
  const evaluate = (log: RunLog, step: number) => {
    if (step % 4 === 0) log.evaluation({ step, split: "validation", loss: step });
  };
  const whole = await RunLog.open(paths.whole, { runInfo });
  for (let step = 1; step <= 12; step++) {
    whole.step(row(step));
    evaluate(whole, step);
  }
  await whole.close();

  const first = await RunLog.open(paths.resumed, { runInfo });
  for (let step = 1; step <= 9; step++) {
    first.step(step <= 6 ? row(step) : { step, loss: 99 });
    evaluate(first, step);
  }
  await first.close({ state: "stopped", reason: "by a signal" });
  expect(page(paths.resumed)).toContain("by a signal");
  const second = await RunLog.open(paths.resumed, { runInfo, resumeStep: 6 });
  for (let step = 7; step <= 12; step++) {
    second.step(row(step));
    evaluate(second, step);
  }
  await second.close();

  const read = (path: string) => readFileSync(join(path, "metrics.jsonl"), "utf8");
  expect(read(paths.resumed)).toBe(read(paths.whole));
  expect(chartsOf(paths.resumed)).toEqual(chartsOf(paths.whole));
  expect(chartsOf(paths.whole).find((c) => c.title === "Gradient norm before clipping")?.lines[0]?.broken).toEqual([5]);
  const events = (path: string) => readdirSync(path).filter((name) => name.startsWith("events.out.tfevents."));
  expect(events(paths.resumed).length).toBe(2);
  expect(events(join(paths.resumed, "validation")).length).toBe(2);
});

test("another run's folder is refused and left as it is", async () => {
  const path = folder();
  await (await RunLog.open(path, { runInfo })).close();
  const before = readdirSync(path);
  await expect(RunLog.open(path, { runInfo })).rejects.toThrow(TrainingError);
  expect(readdirSync(path)).toEqual(before);
});

test("a report of a hundred thousand steps is small", async () => {
  const curves = new Curves();
  for (let step = 1; step <= 100_000; step++)
    curves.add({ step, loss: Math.random(), lr_a: Math.random(), lr_b: Math.random(), codebook_usage: Math.random() });
  const html = reportPage({
    info: runInfo,
    status: { state: "running" },
    curves,
    samples: SampleStore.open(folder()),
    machine: {},
    resumeStep: undefined,
    seconds: 3600,
    steps: 100_000,
    written: new Date(0),
  });
  expect(html.length).toBeLessThan(350_000);
  expect(html).toContain("Written 1970-01-01 00:00:00 UTC");
});
