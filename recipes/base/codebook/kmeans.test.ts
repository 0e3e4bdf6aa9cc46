import { Random } from "@uat/training";
import { describe, expect, it } from "vitest";
import { type AssignFn, assignPlain, kMeans } from "./kmeans.ts";

/** Rows around `centres`, `each` rows a centre. */
function blobs(centres: number[][], each: number, spread: number): Float32Array {
  const random = new Random(3);
  return Float32Array.from(
    centres
      .flatMap((centre) => Array.from({ length: each }, () => centre.map((v) => v + spread * random.normal())))
      .flat(),
  );
}

describe("kMeans", () => {
  it("finds well-separated centres in the best of a few seeds", async () => {
    const centres = [
      [0, 0],
      [10, 0],
      [0, 10],
      [10, 10],
      [30, -30],
    ];
    const x = blobs(centres, 40, 0.1);
    const runs = [];
    for (let seed = 0; seed < 5; seed++) {
      runs.push(await kMeans(x, 200, { k: 5, dimension: 2, assign: assignPlain, seed, iterations: 50, tolerance: 0 }));
    }
    for (const run of runs) expect(run.counts.reduce((a, b) => a + b)).toBe(200);
    const best = runs.reduce((a, b) => (a.distortion <= b.distortion ? a : b));
    expect([...best.counts]).toEqual([40, 40, 40, 40, 40]);
    for (const centre of centres) {
      const { distance } = await assignPlain(Float32Array.from(centre), 1, best.centroids);
      expect(distance[0]).toBeLessThan(0.01);
    }
  });

  it("lowers the distortion at every iteration and repeats itself exactly", async () => {
    const x = Float32Array.from({ length: 600 * 8 }, () => 0);
    const random = new Random(9);
    for (const i of x.keys()) x[i] = random.normal();
    const run = async () => {
      const trace: number[] = [];
      const result = await kMeans(x, 600, {
        k: 32,
        dimension: 8,
        assign: assignPlain,
        seed: 4,
        iterations: 6,
        batchRows: 128,
        tolerance: 0,
        onIteration: (r) => trace.push(r.distortion),
      });
      return { trace, result };
    };
    const first = await run();
    const second = await run();
    for (let i = 1; i < first.trace.length; i++) expect(first.trace[i]).toBeLessThanOrEqual(first.trace[i - 1]! + 1e-6);
    expect(second.result.centroids).toEqual(first.result.centroids);
  });

  it("revives centroids that no row chose", async () => {
    // Nine tenths of the rows are one point, so most random seeds fall together and all but one of them start dead.
    const x = new Float32Array(1000 * 2);
    for (let i = 0; i < 100; i++) x.set([i % 10, 1 + Math.floor(i / 10)], i * 2);
    const result = await kMeans(x, 1000, {
      k: 20,
      dimension: 2,
      assign: assignPlain,
      seed: 2,
      iterations: 30,
      tolerance: 0,
    });
    expect(result.counts.filter((count) => count === 0)).toHaveLength(0);
    expect(result.distortion).toBeLessThan(0.2);
  });

  it("hands over rows in batches and uses what the caller found", async () => {
    const sizes: number[] = [];
    const assign: AssignFn = (x, n, centroids) => {
      sizes.push(n);
      return assignPlain(x, n, centroids);
    };
    await kMeans(blobs([[0], [5]], 5, 0.1), 10, {
      k: 2,
      dimension: 1,
      assign,
      iterations: 1,
      batchRows: 4,
      tolerance: 0,
    });
    expect(sizes).toEqual([4, 4, 2, 4, 4, 2]);
  });

  it("names what is wrong when there are too few rows", async () => {
    await expect(kMeans(new Float32Array(4), 2, { k: 3, dimension: 2, assign: assignPlain })).rejects.toThrow(
      "2 rows cannot make 3 centroids",
    );
  });
});
