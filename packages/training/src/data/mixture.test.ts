import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ExampleSource } from "./example.ts";
import { inOrder, Mixture } from "./mixture.ts";
import { mixSeed, permuted, shuffledBlocks, shuffledRows } from "./permutation.ts";

const list = (name: string, length: number): ExampleSource => ({
  name,
  length,
  example: async (row) => ({ id: `${name}:${row}`, audio: { path: name }, labels: {} }),
  close: async () => {},
});

const blocked = (sizes: readonly number[], window: number) => {
  const starts = new Float64Array(sizes.length + 1);
  for (const [i, size] of sizes.entries()) starts[i + 1] = starts[i]! + size;
  return { starts, window };
};

describe("permutations", () => {
  it("of any size hold every index once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.integer(), (n, seed) => {
        const images = Array.from({ length: n }, (_, i) => shuffledRows(n, seed)(i));
        expect([...images].sort((a, b) => a - b)).toEqual(images.map((_, i) => i));
      }),
    );
  });

  it("of 10^8 rows are found at once, without collisions", () => {
    const n = 1e8;
    const images = new Set(Array.from({ length: 20_000 }, (_, i) => permuted(n - 1 - i * 4999, n, 7)));
    expect(images.size).toBe(20_000);
    // the mean of so many uniform draws lies within 4 standard deviations of n / 2
    const mean = [...images].reduce((a, b) => a + b) / images.size;
    expect(Math.abs(mean / n - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / images.size));
  });

  it("of a few rows put every row everywhere equally often", () => {
    const trials = 6000;
    for (const n of [2, 3, 5, 8]) {
      const counts = new Float64Array(n * n);
      for (let seed = 0; seed < trials; seed++) {
        for (let i = 0; i < n; i++) counts[i * n + permuted(i, n, mixSeed(seed))]!++;
      }
      const expected = trials / n;
      const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
      const freedom = (n - 1) ** 2;
      expect(chiSquare).toBeLessThan(freedom + 5 * Math.sqrt(2 * freedom) + 5);
    }
  });

  it("of blocks hold every row once and need few blocks at a time", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 6 }),
        fc.integer(),
        (sizes, window, seed) => {
          const blocks = blocked(sizes, window);
          const n = blocks.starts.at(-1)!;
          const order = shuffledBlocks(blocks, seed);
          const rows = Array.from({ length: n }, (_, i) => order(i));
          expect([...rows].sort((a, b) => a - b)).toEqual(rows.map((_, i) => i));
          if (window >= sizes.length) return;
          // once a block is left behind by a window, it is not needed again
          const blockOfRow = (row: number) => sizes.findIndex((size, b) => size > 0 && row < blocks.starts[b + 1]!);
          const first = new Map<number, number>();
          const last = new Map<number, number>();
          for (const [i, row] of rows.entries()) {
            const b = blockOfRow(row);
            if (!first.has(b)) first.set(b, i);
            last.set(b, i);
          }
          for (let i = 0; i < n; i++) {
            const open = [...first.keys()].filter((b) => first.get(b)! <= i && last.get(b)! >= i);
            expect(open.length).toBeLessThanOrEqual(window);
          }
        },
      ),
    );
  });
});

describe("Mixture", () => {
  const sources = (lengths: readonly number[], weights: readonly number[]) =>
    lengths.map((length, i) => ({ source: list(`s${i}`, length), weight: weights[i]! }));
  const mixtures = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.double({ min: 0.05, max: 20, noNaN: true })), {
      minLength: 1,
      maxLength: 5,
    })
    .map((pairs) =>
      sources(
        pairs.map(([length]) => length),
        pairs.map(([, weight]) => weight),
      ),
    );

  it("shows every row of a source once an epoch, over all ranks", () => {
    fc.assert(
      fc.property(mixtures, fc.integer(), fc.integer({ min: 1, max: 4 }), (weighted, seed, world) => {
        const ranks = Array.from({ length: world }, (_, rank) => new Mixture(weighted, seed, { rank, world }));
        const seen = new Map<string, number>();
        const epochs = new Map<string, number>();
        for (let position = 0; position < 400; position++) {
          for (const mixture of ranks) {
            const { source, row, epoch } = mixture.draw(position);
            const key = `${source}/${epoch}/${row}`;
            // disjoint: no rank is given what another had in the same epoch
            expect(seen.has(key)).toBe(false);
            seen.set(key, position);
            epochs.set(`${source}/${epoch}`, (epochs.get(`${source}/${epoch}`) ?? 0) + 1);
          }
        }
        for (const [key, count] of epochs) {
          const [source, epoch] = key.split("/").map(Number) as [number, number];
          if (epochs.has(`${source}/${epoch + 1}`)) expect(count).toBe(weighted[source]!.source.length);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("gives the same row at a position whatever was asked for before", () => {
    fc.assert(
      fc.property(mixtures, fc.integer(), fc.integer({ min: 0, max: 1e9 }), (weighted, seed, from) => {
        const whole = new Mixture(weighted, seed);
        for (let i = 0; i < 50; i++) whole.draw(i);
        const run = Array.from({ length: 300 }, (_, i) => whole.draw(from + i));
        const resumed = new Mixture(weighted, seed);
        expect(Array.from({ length: 150 }, (_, i) => resumed.draw(from + 150 + i))).toEqual(run.slice(150));
      }),
      { numRuns: 40 },
    );
  });

  it("gives one process the draws that several share", () => {
    const weighted = sources([7, 50], [1, 3]);
    const alone = new Mixture(weighted, 5);
    const together = [0, 1, 2].map((rank) => new Mixture(weighted, 5, { rank, world: 3 }));
    for (let g = 0; g < 900; g++) expect(together[g % 3]!.draw(Math.floor(g / 3))).toEqual(alone.draw(g));
  });

  it("keeps to the shares exactly", () => {
    fc.assert(
      fc.property(mixtures, fc.integer(), (weighted, seed) => {
        const mixture = new Mixture(weighted, seed);
        const total = weighted.reduce((sum, { weight }) => sum + weight, 0);
        const counts = weighted.map(() => 0);
        const n = 5000;
        for (let position = 0; position < n; position++) counts[mixture.draw(position).source]!++;
        // a round that is not full may lean to one side by the chance of its order
        const roundSize = Math.max(256, Math.ceil((2 * total) / Math.min(...weighted.map((w) => w.weight))) + 1);
        for (const [i, { weight }] of weighted.entries()) {
          const share = weight / total;
          const slack = 2 + 5 * Math.sqrt(Math.min(n, roundSize) * share * (1 - share));
          expect(Math.abs(counts[i]! - n * share)).toBeLessThan(slack);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("is within one draw of the shares at the end of each round", () => {
    const mixture = new Mixture(sources([10, 10, 10], [1, 2, Math.PI]), 3);
    const counts = [0, 0, 0];
    for (let g = 1; g <= 256 * 20; g++) {
      counts[mixture.draw(g - 1).source]!++;
      if (g % 256 > 0) continue;
      for (const [i, weight] of [1, 2, Math.PI].entries()) {
        expect(Math.abs(counts[i]! - (g * weight) / (3 + Math.PI))).toBeLessThanOrEqual(1);
      }
    }
  });

  it("comes in another order with another seed and in another epoch", () => {
    const order = (seed: number, from: number) => {
      const mixture = new Mixture(sources([100], [1]), seed);
      return Array.from({ length: 100 }, (_, i) => mixture.draw(from + i).row);
    };
    expect(order(1, 0)).not.toEqual(order(2, 0));
    expect(order(1, 0)).not.toEqual(order(1, 100));
  });

  it("refuses weights that mean nothing", () => {
    expect(() => new Mixture([], 1)).toThrow(/no sources/);
    expect(() => new Mixture(sources([3], [0]), 1)).toThrow(/s0: weight 0; expected a number above 0/);
    expect(() => new Mixture(sources([3, 3], [1, 1e-9]), 1)).toThrow(/s1: weight 1e-9 .* one draw in a million/);
    expect(() => new Mixture(sources([3], [1]), 1, { rank: 2, world: 2 })).toThrow(/rank 2 of 2/);
  });
});

describe("inOrder", () => {
  it("shows all rows once, ranks taking turns", async () => {
    const sources = [list("a", 3), list("b", 4)];
    const seen: string[] = [];
    for (const rank of [0, 1]) {
      const stream = inOrder(sources, { rank, world: 2 });
      for (let p = 0; p < stream.length; p++) seen.push((await stream.at(p)).example.id);
    }
    expect(seen).toEqual(["a:0", "a:2", "b:1", "b:3", "a:1", "b:0", "b:2"]);
  });
});
