import { appendFileSync, mkdtempSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { TrainingError } from "../errors.ts";
import { lineToRow, type MetricRow, MetricsLog, rowToLine } from "./metrics-log.ts";

const folder = () => mkdtempSync(join(tmpdir(), "metrics-"));
const file = () => join(folder(), "metrics.jsonl");
const stepsOf = (path: string) =>
  readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line).step as number);

function written(count: number): string {
  const path = file();
  const log = MetricsLog.create(path);
  for (let step = 1; step <= count; step++) log.append({ step, loss: 1 / step });
  log.close();
  return path;
}

test("a row is on disk as soon as it is added", () => {
  const path = file();
  const log = MetricsLog.create(path);
  log.append({ step: 1, loss: 2.5, lr_rest: 1e-6, missing: undefined });
  expect(readFileSync(path, "utf8")).toBe('{"step":1,"loss":2.5,"lr_rest":0.000001}\n');
  log.append({ step: 1, split: "validation", loss: 3 });
  expect(readFileSync(path, "utf8").split("\n")[1]).toBe('{"step":1,"split":"validation","loss":3}');
  log.close();
});

test("any row comes back as it was, in JSON that every parser takes", () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.dictionary(
        fc.string().filter((name) => name !== "step" && name !== "__proto__"),
        fc
          .oneof(fc.double({ noDefaultInfinity: false }), fc.string())
          .filter((v) => !/^(NaN|-?Infinity)$/.test(`${v}`) || typeof v === "number"),
      ),
      (step, rest) => {
        const row = { ...rest, step } as MetricRow;
        const line = rowToLine(row);
        expect(line.indexOf("\n")).toBe(line.length - 1);
        const negative = (value: unknown) => (value === 0 ? 0 : value); // JSON has no −0
        expect(lineToRow(line)).toEqual(Object.fromEntries(Object.entries(row).map(([k, v]) => [k, negative(v)])));
      },
    ),
  );
  expect(rowToLine({ step: 1, a: Number.NaN, b: Number.NEGATIVE_INFINITY })).toBe(
    '{"step":1,"a":"NaN","b":"-Infinity"}\n',
  );
});

test("a new log does not continue another run's", () => {
  const path = written(3);
  expect(() => MetricsLog.create(path)).toThrow(TrainingError);
  expect(() => MetricsLog.create(path)).toThrow(/a run is here already.*--resume/);
  expect(stepsOf(path)).toEqual([1, 2, 3]);
});

test("resuming keeps the rows up to a step, once each", async () => {
  const path = written(10);
  const seen: number[] = [];
  const log = await MetricsLog.resume(path, 6, (row) => seen.push(row.step));
  log.append({ step: 7, loss: 0 });
  log.close();
  expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  expect(stepsOf(path)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(readdirSync(join(path, ".."))).toEqual(["metrics.jsonl"]);
});

test("wherever the last write stopped, resuming gives whole rows and no line break too many", async () => {
  const whole = readFileSync(written(4), "utf8");
  for (let cut = whole.length; cut > whole.length - 40; cut--) {
    const path = file();
    writeFileSync(path, whole);
    truncateSync(path, cut);
    const log = await MetricsLog.resume(path, 100);
    log.append({ step: 101 });
    log.close();
    const kept = whole
      .slice(0, cut)
      .split("\n")
      .filter((line) => lineToRow(line)).length;
    expect(stepsOf(path)).toEqual([...[1, 2, 3, 4].slice(0, kept), 101]);
  }
});

test("a tail that a power cut left is cut off", async () => {
  const path = written(2);
  appendFileSync(path, Buffer.alloc(300));
  (await MetricsLog.resume(path, 100)).close();
  expect(stepsOf(path)).toEqual([1, 2]);
});

test("separators of lines inside of texts do not end a row", async () => {
  const path = file();
  const log = MetricsLog.create(path);
  log.append({ step: 1, note: "a\u2028b\rc\nd" });
  log.close();
  const rows: MetricRow[] = [];
  (await MetricsLog.resume(path, 1, (row) => rows.push(row))).close();
  expect(rows).toEqual([{ step: 1, note: "a\u2028b\rc\nd" }]);
});

test.each(["not json", "[1]", '{"loss":1}', '{"step":1.5}', "null"])(
  "a line that is no row is named: %s",
  async (line) => {
    const path = written(1);
    appendFileSync(path, `${line}\n${rowToLine({ step: 3 })}`);
    const before = readFileSync(path, "utf8");
    await expect(MetricsLog.resume(path, 9)).rejects.toThrow(/line 2 is no row/);
    await expect(MetricsLog.resume(path, 9)).rejects.toThrow(TrainingError);
    expect(readFileSync(path, "utf8")).toBe(before);
    expect(readdirSync(join(path, ".."))).toEqual(["metrics.jsonl"]);
  },
);

test("resuming without a file starts one", async () => {
  const path = file();
  (await MetricsLog.resume(path, 0)).close();
  expect(readFileSync(path, "utf8")).toBe("");
});

test("a folder that is not there, or is a file, is named", async () => {
  const path = join(folder(), "missing", "metrics.jsonl");
  expect(() => MetricsLog.create(path)).toThrow(/cannot be written/);
  const blocked = join(written(1), "metrics.jsonl");
  await expect(MetricsLog.resume(blocked, 1)).rejects.toThrow(/a part of the path is not a directory/);
});
