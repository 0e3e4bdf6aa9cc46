/** What a list of codes says about the codebook: how many bits it carries, and how evenly it is used. */

export interface CodeStatistics {
  /** Codes in all. */
  readonly codes: number;
  /** Different codes. */
  readonly distinct: number;
  /** −Σ p·log₂ p of the codes' shares, bits a code. */
  readonly entropy: number;
  /** 2 to the power of the entropy: as many codes, evenly used, would carry as much. */
  readonly perplexity: number;
  /** Share of codes that are the same as the one before in their clip. */
  readonly repeated: number;
}

export function codeStatistics(clips: readonly (readonly number[])[]): CodeStatistics {
  const counts = new Map<number, number>();
  let codes = 0;
  let followers = 0;
  let repeats = 0;
  for (const clip of clips) {
    codes += clip.length;
    for (const [i, code] of clip.entries()) {
      counts.set(code, (counts.get(code) ?? 0) + 1);
      if (i === 0) continue;
      followers++;
      if (clip[i - 1] === code) repeats++;
    }
  }
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / codes) * Math.log2(count / codes);
  return {
    codes,
    distinct: counts.size,
    entropy,
    perplexity: codes > 0 ? 2 ** entropy : Number.NaN,
    repeated: followers > 0 ? repeats / followers : Number.NaN,
  };
}

/**
 * How many different codes had been heard after so many, clip after clip: a curve that still climbs says that more audio
 * would use more of the codebook.
 */
export function growth(clips: readonly (readonly number[])[]): { heard: number[]; distinct: number[] } {
  const seen = new Set<number>();
  const [heard, distinct] = [[0], [0]];
  for (const clip of clips) {
    for (const code of clip) seen.add(code);
    heard.push(heard.at(-1)! + clip.length);
    distinct.push(seen.size);
  }
  return { heard, distinct };
}

/**
 * Levenshtein distance of two lists of codes with equal costs (unit edit distance when divided by the length of the
 * first).
 */
export function codeDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let above = Uint32Array.from({ length: b.length + 1 }, (_, j) => j);
  let row = new Uint32Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    row[0] = i;
    for (let j = 1; j <= b.length; j++)
      row[j] = Math.min(above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), above[j]! + 1, row[j - 1]! + 1);
    [above, row] = [row, above];
  }
  return above[b.length]!;
}

/** Share of places at which the codes differ, counted over the shorter list. */
export function changedShare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const length = Math.min(a.length, b.length);
  let changed = 0;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) changed++;
  return length === 0 ? 0 : changed / length;
}
