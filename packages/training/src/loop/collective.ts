/** What the processes of one run do together. */

export interface Collective {
  /** From 0. */
  readonly rank: number;
  readonly world: number;
  /** Sums arrays over all processes, in place; every process gives arrays of the same lengths in the same order. */
  sum(...arrays: Float32Array[]): Promise<void>;
  /** Rank 0's values for all, in place. */
  broadcast(...arrays: Float32Array[]): Promise<void>;
}

/** A run of one process. */
export const alone: Collective = {
  rank: 0,
  world: 1,
  async sum() {},
  async broadcast() {},
};
