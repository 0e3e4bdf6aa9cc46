import { readdirSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkCase, type GoldenCase, type GoldenFile, operatorsIn } from "../../../../tests/interop/op-goldens.ts";
import { createRuntime, type Runtime } from "../index.ts";

const folder = new URL("../../../../tests/fixtures/ops/", import.meta.url);
const goldens: GoldenCase[] = ["elementwise", "shape", "linear", "reduce", "training"].flatMap(
  (family) => (JSON.parse(readFileSync(new URL(`${family}.json`, folder), "utf8")) as GoldenFile).cases,
);

/** Error relative to max(1, |expected|). */
const TOLERANCE = 2e-6;

test("every operator has goldens", async () => {
  const files = readdirSync(new URL(".", import.meta.url)).filter((f) => !f.endsWith(".test.ts"));
  const modules = await Promise.all(files.map((f) => import(new URL(f, import.meta.url).href) as Promise<object>));
  const names = modules.flatMap(operatorsIn).map((op) => op.name);
  expect(names.length).toBeGreaterThan(35);
  expect(new Set(names).size).toBe(names.length);
  expect([...new Set(goldens.map((c) => c.op))].sort()).toEqual(names.sort());
});

for (const device of ["cpu", "wasm"] as const) {
  describe(device, () => {
    let runtime: Runtime;
    beforeAll(async () => {
      runtime = await createRuntime({ device, threads: 2 });
    });
    afterAll(() => runtime.dispose());

    test("is what it says", () => {
      expect(runtime.name).toBe(device === "cpu" ? "native cpu" : "wasm");
    });

    test.each(goldens.map((c) => [c.op, c.name, c] as const))("%s: %s", async (_op, _name, c) => {
      expect(await checkCase(runtime, c)).toBeLessThanOrEqual(TOLERANCE);
    });
  });
}
