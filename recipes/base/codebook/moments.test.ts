import { expect, it } from "vitest";
import { Moments } from "./moments.ts";

it("gathers mean and deviation over blocks, exact with a large offset", () => {
  const moments = new Moments(2);
  moments.add(Float32Array.of(100001, 1, 100003, 3), 2);
  moments.add(Float32Array.of(100005, 5), 1);
  const { mean, std } = moments.finish();
  expect([...mean]).toEqual([100003, 3]);
  expect(std[0]).toBeCloseTo(Math.sqrt(8 / 3), 6);
  expect(std[1]).toBeCloseTo(Math.sqrt(8 / 3), 6);
});
