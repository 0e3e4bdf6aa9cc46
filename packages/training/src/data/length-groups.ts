/**
 * Batches of about equally long clips: padding costs as much as sound. Clips change places within a window of batches
 * only, by their stated durations, and the window's batches come in random order; so it stays a function of (seed,
 * position), and everything that a plain stream gives in a window is given there.
 */
import { Random } from "../random.ts";
import type { ExampleStream, StreamItem } from "./mixture.ts";
import { mixSeed } from "./permutation.ts";

export interface LengthGroupOptions {
  readonly batchSize: number;
  /** Batches of a window. */
  readonly batches: number;
  readonly seed: number;
  /** Clips are cut to so many seconds, which rows that state no duration count as. */
  readonly maxSeconds: number;
}

export class LengthGroups implements ExampleStream {
  readonly length: number;
  readonly epochLength: number;
  readonly #stream: ExampleStream;
  readonly #options: LengthGroupOptions;
  /** The windows asked for last: neighbouring positions may straddle two. */
  readonly #windows = new Map<number, Promise<readonly StreamItem[]>>();

  /** @param stream one without end. */
  constructor(stream: ExampleStream, options: LengthGroupOptions) {
    this.length = stream.length;
    this.epochLength = stream.epochLength;
    this.#stream = stream;
    this.#options = options;
  }

  async at(position: number): Promise<StreamItem> {
    const { batchSize, batches } = this.#options;
    if (batches === 1) return this.#stream.at(position);
    const size = batchSize * batches;
    const index = Math.floor(position / size);
    let window = this.#windows.get(index);
    if (!window) {
      if (this.#windows.size >= 2) this.#windows.delete(this.#windows.keys().next().value as number);
      window = this.#arrange(index, size);
      this.#windows.set(index, window);
    }
    return (await window)[position % size] as StreamItem;
  }

  async #arrange(index: number, size: number): Promise<readonly StreamItem[]> {
    const { batchSize, batches, seed, maxSeconds } = this.#options;
    const items = await Promise.all(Array.from({ length: size }, (_, i) => this.#stream.at(index * size + i)));
    const seconds = ({ example }: StreamItem) => Math.min(example.duration ?? maxSeconds, maxSeconds);
    const sorted = items.toSorted((a, b) => seconds(a) - seconds(b) || a.draw - b.draw);
    const order = new Random(mixSeed(seed, 3, index)).sample(batches, batches);
    return Array.from(order).flatMap((batch) => sorted.slice(batch * batchSize, (batch + 1) * batchSize));
  }
}
