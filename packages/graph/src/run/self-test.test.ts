import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNativeRuntime } from "./native.ts";
import { createRuntime } from "./node.ts";
import type { NumericArray, Runtime } from "./runtime.ts";
import { differenceOf } from "./self-test.ts";

let native: Runtime;
beforeAll(() => {
  native = createNativeRuntime({ threads: 1 });
});
afterAll(() => native.dispose());

/** The native runtime with something done to its results. */
const spoilt = (change: (results: Record<string, NumericArray>) => void): Runtime => ({
  ...native,
  async load(model) {
    const program = await native.load(model);
    return {
      ...program,
      async run(inputs) {
        const results = await program.run(inputs);
        change(results);
        return results;
      },
    };
  },
});

describe("a device is compared with the processor", () => {
  test("another build of the same operators passes", async () => {
    const wasm = await createRuntime({ device: "wasm", threads: 1 });
    expect(await differenceOf(wasm, native)).toBeUndefined();
    await wasm.dispose();
  });

  test("every output counts", async () => {
    const names: string[] = [];
    await differenceOf(
      spoilt((results) => void names.push(...Object.keys(results))),
      native,
    );
    expect(names.length).toBe(7);
    for (const name of names) {
      const weaker = spoilt((results) => {
        const { data } = results[name] as NumericArray;
        for (const i of data.keys()) (data as Float32Array)[i]! *= 0.99;
      });
      expect(await differenceOf(weaker, native)).toBe(`the ${name} of a small network is off by 1.0 %`);
    }
  });

  test.each([0, Number.NaN, Number.POSITIVE_INFINITY])("one value of %s is found", async (value) => {
    const one = spoilt((results) => {
      const values = results["gradient of weight"]?.data as Float32Array;
      const magnitudes = values.map(Math.abs);
      values[magnitudes.indexOf(Math.max(...magnitudes))] = value;
    });
    expect(await differenceOf(one, native)).toContain("gradient of weight");
  });

  test("missing values are found", async () => {
    const short = spoilt((results) => {
      results.states = { data: new Float32Array(0), shape: [0] };
    });
    expect(await differenceOf(short, native)).toContain("states");
  });
});
