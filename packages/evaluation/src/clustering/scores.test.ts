import { Random } from "@uat/audio";
import { describe, expect, test } from "vitest";
import { fixtureArray, fixtureJson, worstError } from "../fixtures.ts";
import { bestAssignment } from "./assignment.ts";
import { clusterSections } from "./cluster-evaluation.ts";
import type { Metric } from "./clustering.ts";
import { escBenchmark, isEsc10 } from "./esc.ts";
import { matrix, normalizeRows } from "./matrix.ts";
import { nearestNeighbours } from "./nearest-neighbour.ts";
import { principalPlane } from "./principal-components.ts";
import { clusterScores, confusion, usedColumns } from "./scores.ts";

/** Made by tests/interop/make-cluster-goldens.py. */
interface Golden {
  readonly nearest_accuracy: Record<string, { at_least: number; at_most: number }>;
  readonly pca_points: readonly number[];
  readonly pca_explained: readonly number[];
  readonly assignment_clips: number;
}
const { cases, assignments } = fixtureJson<{
  cases: Record<string, Golden>;
  assignments: { gains: number[][]; total: number }[];
}>("metrics/cluster/neighbours.json");

for (const [name, golden] of Object.entries(cases)) {
  const counts = fixtureArray(`metrics/cluster/${name}_counts.npy`);
  const table = matrix(counts.shape[0] as number, counts.shape[1] as number, counts.data);
  const labels = fixtureArray(`metrics/cluster/${name}_labels.npy`).data;

  describe(`${name}, as scikit-learn and SciPy have it`, () => {
    test.each(["none", "sqrt"] as const)("nearest clips of %s histograms", (form) => {
      const rows = normalizeRows(table, form);
      for (const metric of ["euclidean", "cosine"] as const satisfies Metric[]) {
        const nearest = nearestNeighbours(rows, metric);
        const accuracy = nearest.reduce((sum, j, i) => sum + Number(labels[i] === labels[j]), 0) / rows.rows;
        const want = golden.nearest_accuracy[`${form}_${metric}`]!;
        expect(accuracy).toBeGreaterThanOrEqual(want.at_least - 1e-12);
        expect(accuracy).toBeLessThanOrEqual(want.at_most + 1e-12);
      }
    });

    test("principal components", () => {
      const { points, explained } = principalPlane(normalizeRows(table, "sqrt"));
      expect(worstError(explained, golden.pca_explained)).toBeLessThan(1e-6);
      for (const axis of [0, 1] as const) {
        const want = golden.pca_points.filter((_, i) => i % 2 === axis);
        const got = points.map((point) => point[axis]);
        // a component has no sign
        const sign = Math.sign(want.reduce((sum, v, i) => sum + v * got[i]!, 0));
        expect(
          worstError(
            got,
            want.map((v) => sign * v),
          ),
        ).toBeLessThan(1e-4);
      }
    });

    test("clusters paired with classes", () => {
      const clusters = fixtureArray(`metrics/cluster/${name}_counts_kmeans_labels.npy`).data;
      const classes = new Set(labels).size;
      const agreement = confusion(labels, clusters, classes);
      const pairs = bestAssignment(agreement);
      expect(pairs.reduce((sum, cluster, c) => sum + agreement[c]![cluster]!, 0)).toBe(golden.assignment_clips);
    });
  });
}

test.each(assignments)("the best pairing of $gains.length rows", ({ gains, total }) => {
  const columns = bestAssignment(gains);
  expect([...columns].sort((a, b) => a - b)).toEqual([...gains.keys()]);
  expect(columns.reduce((sum, column, row) => sum + gains[row]![column]!, 0)).toBe(total);
});

test("a table that is not square has no pairing", () => {
  expect(() => bestAssignment([[1, 2]])).toThrow("1 rows and 2 columns");
});

test("of several nearest clips the first counts; one clip has no neighbour", () => {
  expect([...nearestNeighbours(matrix(4, 1, [0, 1, 1, 5]))]).toEqual([1, 2, 1, 1]);
  expect(() => nearestNeighbours(matrix(1, 1, [3]))).toThrow("1 clips; expected 2 or more");
});

test("clips that are all the same lie in one point", () => {
  const { points, explained } = principalPlane(matrix(3, 2, [1, 2, 1, 2, 1, 2]));
  expect(points.flat().every((v) => v === 0)).toBe(true);
  expect(explained).toEqual([0, 0]);
});

test("the same seed gives the same clusters, and codes that do not occur change nothing", () => {
  const counts = fixtureArray("metrics/cluster/hard_counts.npy");
  const table = matrix(counts.shape[0] as number, counts.shape[1] as number, counts.data);
  const labels = fixtureArray("metrics/cluster/hard_labels.npy").data.map(String);
  const wide = matrix(
    table.rows,
    table.columns * 2,
    Array.from({ length: table.rows * table.columns * 2 }, (_, i) => (i % 2 === 0 ? table.data[i / 2]! : 0)),
  );
  expect(usedColumns(wide).columns).toBeLessThanOrEqual(table.columns);
  const options = { runs: 3, seed: 5 };
  const first = clusterScores(table, labels, "sqrt", options);
  const second = clusterScores(usedColumns(wide), labels, "sqrt", options);
  expect(second.purities).toEqual(first.purities);
  expect([...second.clusters]).toEqual([...first.clusters]);
  expect(first.purities).toHaveLength(3);
});

test("ESC-10 and ESC-50 are known by their classes, however folders are named", () => {
  const old = ["Dog bark", "Rain", "Sea waves", "Baby cry", "Clock tick", "Person sneeze", "Helicopter", "Chainsaw"];
  const folders = [...old, "Rooster", "Fire crackling"].map((name, i) => `00${i + 1} - ${name}`);
  const ten = ["dog", "rain", "sea_waves", "crying_baby", "clock_tick", "sneezing", "helicopter", "chainsaw"];
  const names = [...ten, "rooster", "crackling_fire"];
  expect(escBenchmark(folders)).toBe("ESC-10");
  expect(escBenchmark(names)).toBe("ESC-10");
  expect(escBenchmark([...names, ...Array.from({ length: 40 }, (_, i) => `other ${i}`)])).toBe("ESC-50");
  expect(escBenchmark(names.slice(1))).toBeUndefined();
  expect(escBenchmark([...names, "cow"])).toBeUndefined();
  expect(isEsc10("sea_waves")).toBe(true);
  expect(isEsc10("cow")).toBe(false);
});

describe("the sections of a set of clips", () => {
  const counts = fixtureArray("metrics/cluster/overlap_counts.npy");
  const labels = fixtureArray("metrics/cluster/overlap_labels.npy").data.map(String);
  const columns = counts.shape[1] as number;
  const rows = labels.map((label, i) => ({
    name: `clip ${i}`,
    label,
    codes: Array.from({ length: columns }, (_, code) =>
      new Array<number>(counts.data[i * columns + code]!).fill(code),
    ).flat(),
  }));
  const context = {
    random: (purpose: string) => new Random(purpose.length),
    seed: 1,
    progress: () => undefined,
    signal: new AbortController().signal,
  };

  test("figures are those of the table, and lie in their intervals", () => {
    const [section] = clusterSections(rows, columns, context);
    const figure = (id: string) => section!.figures!.find((one) => one.id === id)!;
    const [sqrt, l1] = section!.tables![0]!.rows as [number[], number[]];
    expect(figure("silhouette-sqrt").value).toBeCloseTo(sqrt[1]!, 3);
    expect(figure("purity-sqrt").value).toBeCloseTo(sqrt[3]!, 3);
    expect(figure("nearest-sqrt").value).toBeCloseTo(sqrt[7]!, 3);
    expect(figure("purity-l1").value).toBeCloseTo(l1[3]!, 3);
    for (const { value, interval } of section!.figures!) {
      expect(interval![0]).toBeLessThan(value);
      expect(interval![1]).toBeGreaterThan(value);
    }
    const clusters = section!.plots!.find((plot) => plot.kind === "heat")!;
    expect(clusters.kind === "heat" && clusters.values.flat().reduce((sum, v) => sum + v, 0)).toBe(rows.length);
  });

  test("too few classes or clips are refused with what to do", () => {
    const error = (some: typeof rows) => expect(() => clusterSections(some, columns, context));
    error([]).toThrow("no clip has a class; give a folder with a folder for each class");
    error(rows.filter((row) => row.label === labels[0])).toThrow(`all clips are of class "${labels[0]}"`);
    error(rows.slice(0, 2).map((row, i) => ({ ...row, label: String(i) }))).toThrow("2 clips of 2 classes");
  });
});
