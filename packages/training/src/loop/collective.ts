/** What the processes of one run do together. */

/**
 * One process among those of a run. All of them make the same calls in the same order, one after the other; each call
 * ends once the others have made it too.
 */
export interface Collective {
  /** From 0. */
  readonly rank: number;
  readonly world: number;
  /**
   * Sums arrays over all processes, in place; every process gives arrays of the same lengths in the same order. Additions
   * go by rank, ((0 + 1) + 2) + …, each rounded to float32, so that all processes get the same bits at every run.
   * @throws LostProcessError when another process cannot go on, as the others do.
   */
  sum(...arrays: Float32Array[]): Promise<void>;
  /** Rank 0's values for all, in place. */
  broadcast(...arrays: Float32Array[]): Promise<void>;
  /** Every process's value, by rank, for all: numbers, texts, typed arrays and what is made of them. */
  exchange<T>(value: T): Promise<T[]>;
  /** Within long work without the others. @throws LostProcessError when one of them cannot go on. */
  check(): void;
  /** Takes leave; with an error the others end too. The last call. */
  close(error?: unknown): Promise<void>;
}

/** A run of one process. */
export const alone: Collective = {
  rank: 0,
  world: 1,
  async sum() {},
  async broadcast() {},
  exchange: async (value) => [value],
  check() {},
  async close() {},
};

/** A process of the run has ended, or does not answer: the others cannot go on. */
export class LostProcessError extends Error {
  override readonly name = "LostProcessError";
}
