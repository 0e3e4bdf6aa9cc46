import { describe, expect, test } from "vitest";
import { EvaluationError } from "../errors.ts";
import { fixtureArray, fixtureJson, worstError } from "../fixtures.ts";
import { kMeans, purity, silhouette, silhouetteSamples } from "./clustering.ts";
import { bestKMeans } from "./kmeans-start.ts";
import { countHistograms, matrix, normalizeRows } from "./matrix.ts";

interface Golden {
  [key: `silhouette_${string}`]: number;
  [key: `kmeans_${string}`]: {
    inertia: number;
    n_iter: number;
    purity: number;
    silhouette_of_kmeans_labels: number;
    "kmeans++_n_init10_seed0": { inertia: number };
  };
}
const { cases } = fixtureJson<{ cases: Record<string, Golden> }>("metrics/cluster/expected.json");
const NORMS = { counts: "none", l1: "l1", l2: "l2" } as const;

for (const [name, golden] of Object.entries(cases)) {
  const counts = fixtureArray(`metrics/cluster/${name}_counts.npy`);
  const table = matrix(counts.shape[0] as number, counts.shape[1] as number, counts.data);
  const labels = fixtureArray(`metrics/cluster/${name}_labels.npy`).data;
  const k = new Set(labels).size;

  describe(name, () => {
    test("silhouette of every row", () => {
      const want = fixtureArray(`metrics/cluster/${name}_silhouette_samples_counts.npy`).data;
      expect(worstError(Float32Array.from(silhouetteSamples(table, labels)), want)).toBeLessThan(1e-9);
    });
    for (const [norm, kind] of Object.entries(NORMS)) {
      const rows = normalizeRows(table, kind);
      test.each(["euclidean", "cosine"] as const)(`${norm}: mean silhouette, %s`, (metric) => {
        const want = golden[`silhouette_${norm}_${metric}`] as number;
        expect(Math.abs(silhouette(rows, labels, metric) - want)).toBeLessThan(1e-6);
      });
      // decided by rounding
      test.skipIf(name === "overlap" && norm === "l1")(`${norm}: k-means from the first rows`, () => {
        const want = golden[`kmeans_${norm}`] as Golden[`kmeans_${string}`];
        const got = kMeans(rows, k);
        expect([...got.labels]).toEqual(fixtureArray(`metrics/cluster/${name}_${norm}_kmeans_labels.npy`).data);
        const centres = fixtureArray(`metrics/cluster/${name}_${norm}_kmeans_centers.npy`).data;
        expect(worstError(Float32Array.from(got.centres.data), centres)).toBeLessThan(1e-6);
        expect(Math.abs(got.inertia / want.inertia - 1)).toBeLessThan(1e-6);
        expect(got.iterations).toBe(want.n_iter);
        expect(purity(got.labels, labels)).toBeCloseTo(want.purity, 12);
        expect(Math.abs(silhouette(rows, got.labels) - want.silhouette_of_kmeans_labels)).toBeLessThan(1e-6);
      });
      test(`${norm}: k-means++ does not end far above the other library's best`, () => {
        const want = golden[`kmeans_${norm}`] as Golden[`kmeans_${string}`];
        expect(bestKMeans(rows, k).inertia).toBeLessThan(want["kmeans++_n_init10_seed0"].inertia * 1.03);
      });
    }
  });
}

test("histograms count codes and refuse codes outside the book", () => {
  expect([...countHistograms([[0, 2, 2], []], 3).data]).toEqual([1, 0, 2, 0, 0, 0]);
  for (const bad of [3, -1, 0.5]) expect(() => countHistograms([[bad]], 3)).toThrow(EvaluationError);
});

test("normalised rows have length or sum 1, empty rows stay empty", () => {
  const table = matrix(2, 3, [1, 0, 3, 0, 0, 0]);
  expect([...normalizeRows(table, "l1").data]).toEqual([0.25, 0, 0.75, 0, 0, 0]);
  expect(worstError(normalizeRows(table, "sqrt").data, [0.5, 0, Math.sqrt(0.75), 0, 0, 0])).toBeLessThan(1e-7);
  expect(worstError(normalizeRows(table, "l2").data, [0.1 ** 0.5, 0, 0.9 ** 0.5, 0, 0, 0])).toBeLessThan(1e-7);
});

test("rows alone in their cluster have silhouette 0; rows of zeros are at cosine distance 1", () => {
  const table = matrix(3, 2, [1, 0, 2, 0, 0, 0]);
  expect([...silhouetteSamples(table, ["a", "a", "b"], "cosine")]).toEqual([1, 1, 0]);
});

test("a cluster that loses its rows is placed anew", () => {
  const { labels, inertia } = kMeans(matrix(4, 1, [0, 1, 10, 11]), matrix(3, 1, [0.5, 10.5, 1000]));
  expect(new Set(labels).size).toBe(3);
  expect(inertia).toBeCloseTo(0.5, 12);
});

test("labels and sizes that do not fit are refused", () => {
  const table = matrix(3, 1, [1, 2, 3]);
  expect(() => silhouette(table, [1, 1, 1])).toThrow("1 different labels");
  expect(() => silhouette(table, [1, 2, 3])).toThrow("3 different labels");
  expect(() => silhouette(table, [1, 2])).toThrow("2 labels for 3 rows");
  expect(() => kMeans(table, 4)).toThrow("4 clusters of 3 rows");
  expect(() => purity([], [])).toThrow(EvaluationError);
  expect(() => matrix(2, 2, [1])).toThrow("2 × 2");
});
