/** Splits codes, all there or still coming, into the blocks of a stream. */

export interface Chunk {
  readonly tokens: Int32Array;
  /** Codes before this chunk. */
  readonly start: number;
  readonly last: boolean;
}

/**
 * Blocks of `size` codes, the last one possibly shorter. A block is given out when the next code is known to exist or
 * not, since the last block is decoded differently.
 * @param check called with each piece of codes as it comes in; throws for codes that cannot be decoded.
 */
export async function* chunks(
  codes: ArrayLike<number> | AsyncIterable<ArrayLike<number>>,
  size: number,
  check: (codes: ArrayLike<number>, start: number) => Int32Array,
): AsyncGenerator<Chunk> {
  let pending = new Int32Array(0);
  let start = 0;
  for await (const piece of Symbol.asyncIterator in codes ? codes : [codes]) {
    const more = check(piece, start + pending.length);
    const joined = new Int32Array(pending.length + more.length);
    joined.set(pending);
    joined.set(more, pending.length);
    pending = joined;
    while (pending.length > size) {
      yield { tokens: pending.slice(0, size), start, last: false };
      pending = pending.slice(size);
      start += size;
    }
  }
  if (pending.length > 0) yield { tokens: pending, start, last: true };
}
