/**
 * Shuffling without memory: a pseudo-random permutation of [0, n) whose values are computed one by one, so that a list
 * of 10^8 rows costs nothing and any position of a run can be found again at once. A Feistel network over a square that
 * is a little larger than n, walked until it lands inside (Black and Rogaway, "Ciphers with arbitrary finite domains",
 * 2002).
 */
import type { RowBlocks } from "./example.ts";

/** A 32-bit hash of whole numbers (Murmur3's mixing steps); arguments may be as large as 2^53. */
export function mixSeed(...numbers: readonly number[]): number {
  let h = 0x9747b28c;
  for (const number of numbers) {
    for (const part of [number >>> 0, Math.floor(number / 2 ** 32) >>> 0]) {
      let k = Math.imul(part, 0xcc9e2d51);
      k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
      h ^= k;
      h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) >>> 0;
    }
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const ROUNDS = 6;

/** The image of `index` under the permutation of [0, n) that `seed` chooses. */
export function permuted(index: number, n: number, seed: number): number {
  const side = Math.ceil(Math.sqrt(n));
  let x = index;
  do {
    let left = Math.floor(x / side);
    let right = x % side;
    for (let round = 0; round < ROUNDS; round++) {
      const next = (left + mixSeed(seed, round, right)) % side;
      left = right;
      right = next;
    }
    x = left * side + right;
  } while (x >= n);
  return x;
}

/** The order of a list's rows in one epoch. */
export type Order = (index: number) => number;

/** A permutation of all n rows. */
export const shuffledRows =
  (n: number, seed: number): Order =>
  (index) =>
    permuted(index, n, seed);

/**
 * Rows in blocks that have to be read whole: the blocks come in random order, and rows are shuffled within `window`
 * blocks that follow one another in that order, so that no more than these are needed at once.
 */
export function shuffledBlocks({ starts, window }: RowBlocks, seed: number): Order {
  const count = starts.length - 1;
  if (window >= count) return shuffledRows(starts[count] as number, seed);
  const blocks = Float64Array.from({ length: count }, (_, i) => permuted(i, count, seed));
  // ends[i]: rows in the first i blocks of the new order
  const ends = new Float64Array(count + 1);
  for (let i = 0; i < count; i++) {
    const block = blocks[i] as number;
    ends[i + 1] = (ends[i] as number) + (starts[block + 1] as number) - (starts[block] as number);
  }
  return (index) => {
    const first = Math.floor(blockOf(ends, index) / window) * window;
    const begin = ends[first] as number;
    const end = ends[Math.min(first + window, count)] as number;
    const row = begin + permuted(index - begin, end - begin, mixSeed(seed, first));
    const at = blockOf(ends, row);
    return (starts[blocks[at] as number] as number) + row - (ends[at] as number);
  };
}

/** The block that holds a row: the last one that starts at or before it and is not empty. */
export function blockOf(starts: Float64Array, row: number): number {
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] as number) <= row) low = middle;
    else high = middle - 1;
  }
  return low;
}
