import fc from "fast-check";
import { expect, test } from "vitest";
import { Curve, Curves } from "./curves.ts";

test("a short curve is kept as it is", () => {
  const curve = new Curve();
  for (let step = 1; step <= 512; step++) curve.add(step, step * 2);
  expect(curve.buckets().map((b) => [b.first, b.step, b.mean])).toEqual(
    Array.from({ length: 512 }, (_, i) => [i + 1, i + 1, 2 * (i + 1)]),
  );
});

test("a long curve stays small and keeps its extremes", () => {
  const curve = new Curve();
  for (let step = 1; step <= 100_000; step++) curve.add(step, step === 43_210 ? 1000 : Math.sin(step));
  const buckets = curve.buckets();
  expect(buckets.length).toBeGreaterThan(256);
  expect(buckets.length).toBeLessThanOrEqual(512);
  const spike = buckets.find((b) => b.first <= 43_210 && b.step >= 43_210);
  expect(spike?.max).toBe(1000);
  expect(buckets.at(-1)?.step).toBe(100_000);
});

test("buckets cover every step once, whatever the steps and values are", () => {
  const values = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.double()), { minLength: 1, maxLength: 3000 });
  fc.assert(
    fc.property(values, (gaps) => {
      const curve = new Curve();
      let step = 0;
      const all = gaps.map(([gap, value]) => ({ step: (step += gap), value }));
      for (const { step, value } of all) curve.add(step, value);
      let at = 0;
      for (const bucket of curve.buckets()) {
        const inside = all.slice(at).filter((v) => v.step <= bucket.step);
        at += inside.length;
        expect(bucket.first).toBe(inside[0]?.step);
        const finite = inside.map((v) => v.value).filter(Number.isFinite);
        expect(bucket.broken).toBe(inside.length - finite.length);
        if (finite.length === 0) continue;
        expect(bucket.min).toBe(Math.min(...finite));
        expect(bucket.max).toBe(Math.max(...finite));
      }
      expect(at).toBe(all.length);
    }),
    { numRuns: 30 },
  );
});

test("rows become curves by metric and split; texts do not", () => {
  const curves = new Curves();
  curves.add({ step: 10, loss: 3, note: "batch 7" });
  curves.add({ step: 10, split: "validation", loss: 4, wer: 0.5 });
  curves.add({ step: 20, loss: Number.NaN });
  expect(curves.names()).toEqual(["loss", "wer"]);
  expect([...curves.splits("loss").keys()]).toEqual(["train", "validation"]);
  expect(curves.splits("loss").get("train")?.last).toBe(3);
  expect(curves.splits("loss").get("validation")?.smallest).toEqual({ value: 4, step: 10 });
  expect([curves.first, curves.step]).toEqual([10, 20]);
});
