/** Cuts a sequence into pieces that are computed one by one with enough surroundings to give the same result. */

export interface Tile {
  /** What this tile contributes. */
  readonly start: number;
  readonly end: number;
  /** What it must see. */
  readonly from: number;
  readonly to: number;
}

/** Tiles of about `size` that cover [0, length), each seeing `reach` more on both sides where there is more. */
export function tiles(length: number, size: number, reach: number): Tile[] {
  const count = Math.ceil(length / size);
  return Array.from({ length: count }, (_, i) => {
    const start = Math.floor((i * length) / count);
    const end = Math.floor(((i + 1) * length) / count);
    return { start, end, from: Math.max(0, start - reach), to: Math.min(length, end + reach) };
  });
}
