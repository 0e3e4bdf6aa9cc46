/**
 * The order in which examples are drawn: several lists mixed by weight, each shuffled anew every epoch, ranks taking
 * turns. Everything is a function of (seed, position): a run resumes anywhere without going through what came before.
 *
 * Draw g of the run belongs to rank g mod world. Draws are dealt out in rounds of a fixed size. By the end of every
 * round, source i has had floor(g·W_i) − floor(g·W_(i−1)) of the g draws, W being the cumulated shares: exact to one
 * draw however long the run. Within a round the order of sources is random.
 */
import { TrainingError } from "../errors.ts";
import { Random } from "../random.ts";
import type { Example, ExampleSource } from "./example.ts";
import { mixSeed, type Order, shuffledBlocks, shuffledRows } from "./permutation.ts";

/** What a loader reads: an example for every position of one rank. */
export interface ExampleStream {
  /** Positions; Infinity in training. */
  readonly length: number;
  /** Positions of this rank in which the rows of all sources are seen once, on average. */
  readonly epochLength: number;
  at(position: number): Promise<StreamItem>;
}

export interface StreamItem {
  readonly example: Example;
  /** Number of the draw over all ranks: what seeds the example's random changes. */
  readonly draw: number;
}

/** One process of a run. */
export interface Share {
  /** From 0. */
  readonly rank: number;
  readonly world: number;
}

export interface WeightedSource {
  readonly source: ExampleSource;
  /** Share of the draws, relative to the other weights. */
  readonly weight: number;
}

/** A row of a source, and how often the source has been gone through before. */
export interface Draw {
  readonly source: number;
  readonly row: number;
  readonly epoch: number;
}

const SMALLEST_SHARE = 1e-6;
const SMALLEST_ROUND = 256;

/** An endless stream over weighted sources. */
export class Mixture implements ExampleStream {
  readonly length = Number.POSITIVE_INFINITY;
  readonly epochLength: number;
  readonly #sources: readonly ExampleSource[];
  /** W: 0, then the cumulated shares up to 1. */
  readonly #cumulated: readonly number[];
  readonly #roundSize: number;
  readonly #seed: number;
  readonly #share: Share;
  /** Of the round that was asked for last: each slot's source and how many of its draws came before in the round. */
  #round: { readonly index: number; readonly sources: Uint32Array; readonly before: Uint32Array } | undefined;
  /** Of each source, the order of its current epoch and the one before: neighbouring positions may straddle two. */
  readonly #orders: Map<number, Order>[];

  /** @throws TrainingError for no sources, weights that are not positive, or a share below one in a million. */
  constructor(sources: readonly WeightedSource[], seed: number, share: Share = { rank: 0, world: 1 }) {
    const total = sources.reduce((sum, { weight }) => sum + weight, 0);
    if (sources.length === 0) throw new TrainingError("no sources of examples; expected at least one; add one to data");
    for (const { source, weight } of sources) {
      if (!Number.isFinite(weight) || weight <= 0) {
        throw new TrainingError(
          `${source.name}: weight ${weight}; expected a number above 0; leave out unused sources`,
        );
      }
      if (!(weight / total >= SMALLEST_SHARE)) {
        throw new TrainingError(
          `${source.name}: weight ${weight} of ${total} in all is less than one draw in a million; give it more weight or leave it out`,
        );
      }
    }
    checkShare(share);
    this.#sources = sources.map(({ source }) => source);
    this.#seed = seed;
    this.#share = share;
    let sum = 0;
    this.#cumulated = [0, ...sources.map(({ weight }, i) => (i === sources.length - 1 ? 1 : (sum += weight) / total))];
    // two draws a round at the least: differences of floors then never fall below zero
    const smallest = Math.min(...sources.map(({ weight }) => weight / total));
    this.#roundSize = Math.max(SMALLEST_ROUND, Math.ceil(2 / smallest) + 1);
    this.#orders = sources.map(() => new Map());
    const rows = this.#sources.reduce((n, { length }) => n + length, 0);
    this.epochLength = Math.ceil(rows / share.world);
  }

  /** The row at a position of this rank. */
  draw(position: number): Draw {
    const g = this.#global(position);
    const index = Math.floor(g / this.#roundSize);
    const round = this.#round?.index === index ? this.#round : (this.#round = this.#dealRound(index));
    const slot = g % this.#roundSize;
    const source = round.sources[slot] as number;
    const count = this.#drawsBefore(index, source) + (round.before[slot] as number);
    const { length } = this.#sources[source] as ExampleSource;
    const epoch = Math.floor(count / length);
    return { source, row: this.#order(source, epoch)(count % length), epoch };
  }

  async at(position: number): Promise<StreamItem> {
    const { source, row } = this.draw(position);
    return { example: await (this.#sources[source] as ExampleSource).example(row), draw: this.#global(position) };
  }

  #global(position: number): number {
    return position * this.#share.world + this.#share.rank;
  }

  /** Draws of a source in all rounds before `round`. */
  #drawsBefore(round: number, source: number): number {
    const g = round * this.#roundSize;
    const [low, high] = [this.#cumulated[source] as number, this.#cumulated[source + 1] as number];
    return Math.floor(g * high) - Math.floor(g * low);
  }

  #dealRound(index: number): { index: number; sources: Uint32Array; before: Uint32Array } {
    const sources = new Uint32Array(this.#roundSize);
    let filled = 0;
    for (let source = 0; source < this.#sources.length; source++) {
      const count = this.#drawsBefore(index + 1, source) - this.#drawsBefore(index, source);
      sources.fill(source, filled, filled + count);
      filled += count;
    }
    const random = new Random(mixSeed(this.#seed, 1, index));
    for (let i = this.#sources.length > 1 ? sources.length - 1 : 0; i > 0; i--) {
      const j = random.below(i + 1);
      [sources[i], sources[j]] = [sources[j] as number, sources[i] as number];
    }
    const seen = new Uint32Array(this.#sources.length);
    return { index, sources, before: sources.map((source) => seen[source]!++) };
  }

  #order(source: number, epoch: number): Order {
    const orders = this.#orders[source] as Map<number, Order>;
    const known = orders.get(epoch);
    if (known) return known;
    const { length, blocks } = this.#sources[source] as ExampleSource;
    const seed = mixSeed(this.#seed, 2, source, epoch);
    const order = blocks ? shuffledBlocks(blocks, seed) : shuffledRows(length, seed);
    if (orders.size >= 2) orders.delete(orders.keys().next().value as number);
    orders.set(epoch, order);
    return order;
  }
}

/** All rows of some sources once, in order; ranks take turns. For evaluation. */
export function inOrder(sources: readonly ExampleSource[], share: Share = { rank: 0, world: 1 }): ExampleStream {
  checkShare(share);
  const total = sources.reduce((n, source) => n + source.length, 0);
  const length = Math.max(0, Math.ceil((total - share.rank) / share.world));
  return {
    length,
    epochLength: length,
    async at(position) {
      const draw = position * share.world + share.rank;
      let row = draw;
      for (const source of sources) {
        if (row < source.length) return { example: await source.example(row), draw };
        row -= source.length;
      }
      throw new RangeError(`position ${position} of a stream of ${length}`);
    },
  };
}

function checkShare({ rank, world }: Share): void {
  if (!Number.isInteger(world) || world < 1 || !Number.isInteger(rank) || rank < 0 || rank >= world) {
    throw new TrainingError(
      `rank ${rank} of ${world}; expected a whole number from 0 to the number of processes less 1`,
    );
  }
}
