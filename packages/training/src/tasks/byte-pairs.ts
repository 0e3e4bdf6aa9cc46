/**
 * Byte-pair encoding learned from texts (Sennrich et al., 2016, "Neural machine translation of rare words with subword
 * units"): the two neighbouring symbols that stand together most often become one symbol, again and again. Symbols never
 * cross a word, where words are what a tokenizer's pre-tokenizer cuts out.
 */

/** What became one symbol. */
export type Merge = readonly [left: string, right: string];

/**
 * @param words how often each word occurs, written in the symbols of `alphabet`, one UTF-16 unit each.
 * @param alphabet the first symbols; their order decides between pairs that are equally frequent (the pair of the
 *   earlier symbols first, a merged symbol standing after all before it).
 * @param count most merges; fewer when no pair occurs any more.
 * @returns merges in the order in which they apply. Time: merges × symbols of different words.
 */
export function learnMerges(words: ReadonlyMap<string, number>, alphabet: readonly string[], count: number): Merge[] {
  const symbols = [...alphabet];
  const idOf = new Map(symbols.map((symbol, i) => [symbol, i]));
  const sequences = Array.from(words, ([word, times]) => ({ ids: Array.from(word, (c) => idOf.get(c)!), times }));
  const merges: Merge[] = [];
  while (merges.length < count) {
    const best = mostFrequentPair(sequences);
    if (best === undefined) break;
    const [left, right] = best;
    const joined = symbols[left]! + symbols[right]!;
    merges.push([symbols[left]!, symbols[right]!]);
    // two ways to the same symbol ("ab" + "c", "a" + "bc") share its id
    const id = idOf.get(joined) ?? symbols.push(joined) - 1;
    idOf.set(joined, id);
    for (const sequence of sequences) sequence.ids = joinPairs(sequence.ids, left, right, id);
  }
  return merges;
}

/** Ids are below 2^26: two of them fit a number. */
const PAIR = 2 ** 26;

function mostFrequentPair(
  sequences: readonly { readonly ids: readonly number[]; readonly times: number }[],
): readonly [left: number, right: number] | undefined {
  const counts = new Map<number, number>();
  for (const { ids, times } of sequences)
    for (let i = 1; i < ids.length; i++) {
      const pair = ids[i - 1]! * PAIR + ids[i]!;
      counts.set(pair, (counts.get(pair) ?? 0) + times);
    }
  let best: number | undefined;
  let most = 0;
  for (const [pair, times] of counts)
    if (times > most || (times === most && pair < best!)) {
      best = pair;
      most = times;
    }
  return best === undefined ? undefined : [Math.floor(best / PAIR), best % PAIR];
}

function joinPairs(ids: readonly number[], left: number, right: number, joined: number): number[] {
  const out: number[] = [];
  for (let i = 0; i < ids.length; i++) {
    const match = ids[i] === left && ids[i + 1] === right;
    out.push(match ? joined : ids[i]!);
    if (match) i++;
  }
  return out;
}
