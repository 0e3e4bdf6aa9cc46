import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { EventFile } from "./event-file.ts";
import { summaryEvent } from "./event-messages.ts";
import { frameRecord } from "./event-records.ts";

const folder = () => join(mkdtempSync(join(tmpdir(), "events-")), "run");

test("values gather until they are flushed", () => {
  const events = EventFile.open(folder());
  const start = readFileSync(events.path).length;
  events.add(1, [{ kind: "scalar", tag: "loss", value: 2 }], 10);
  events.add(2, []);
  expect(readFileSync(events.path).length).toBe(start);
  events.flush();
  const written = readFileSync(events.path).subarray(start);
  const record = frameRecord(summaryEvent({ wallTime: 10, step: 1 }, [{ kind: "scalar", tag: "loss", value: 2 }]));
  expect(written.equals(record)).toBe(true);
  events.close();
  events.close();
});

test("a file is read after all earlier ones, even within a second or after the clock went back", () => {
  const run = folder();
  const names = [0, 1, 2].map(() => {
    const events = EventFile.open(run);
    events.close();
    return basename(events.path);
  });
  writeFileSync(join(run, "events.out.tfevents.9999999998.elsewhere"), "");
  const last = EventFile.open(run, 5);
  last.close();
  expect(basename(last.path)).toMatch(/^events\.out\.tfevents\.9999999999\.[\w.-]+$/);
  expect(readdirSync(run).sort()).toEqual([...names, "events.out.tfevents.9999999998.elsewhere", basename(last.path)]);
});

test("a resumed run takes back the steps after the one it goes on from", () => {
  const start = (resumeStep?: number) => {
    const events = EventFile.open(folder(), resumeStep);
    events.close();
    const bytes = readFileSync(events.path);
    // the second record: its time, then its step where that is not zero, then the mark
    const first = 16 + Number(bytes.readBigUInt64LE(0));
    return bytes.subarray(first + 12 + 9, -4).toString("hex");
  };
  expect(start()).toBe("3a020801");
  expect(start(1200)).toBe("10b1093a020801");
});
