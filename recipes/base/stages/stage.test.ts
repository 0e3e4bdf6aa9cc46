import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runStage, type Stage } from "./stage.ts";

it("runs once, and again only when inputs or outputs changed", async () => {
  const work = mkdtempSync(join(tmpdir(), "stage-"));
  const output = join(work, "made", "file.txt");
  let runs = 0;
  const make = (inputs: unknown, revision = 1): Stage => ({
    name: "x",
    inputs,
    revision,
    outputs: [output],
    run: async () => writeFileSync(output, `run ${++runs}`),
  });
  const run = (stage: Stage) => runStage(stage, work, () => {});
  await run(make({ a: 1 }));
  await run(make({ a: 1 }));
  expect(runs).toBe(1);
  await run(make({ a: 2 }));
  expect(runs).toBe(2);
  writeFileSync(output, "damaged");
  await run(make({ a: 2 }));
  expect(readFileSync(output, "utf8")).toBe("run 3");
  await run(make({ a: 2 }, 2));
  expect(runs).toBe(4);
});
