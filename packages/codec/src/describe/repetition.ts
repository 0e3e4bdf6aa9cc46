/** Loops: greedy decoding may repeat a phrase for ever where the audio is unclear. */

/** A loop is at least this many rounds … */
const ROUNDS = 4;
/** … and this many tokens. */
const TOKENS = 20;

/**
 * How many tokens at the end of `tokens` are rounds of one phrase beyond its first occurrence; 0 when it is no loop.
 * Four rounds and twenty tokens make a loop: "no, no, no, no" is none.
 */
export function repeatedTail(tokens: readonly number[]): number {
  const n = tokens.length;
  for (let period = 1; period * ROUNDS <= n; period++) {
    const needed = Math.max(ROUNDS, Math.ceil(TOKENS / period)) * period;
    if (needed > n) continue;
    let same = period;
    while (same < needed && tokens[n - 1 - same] === tokens[n - 1 - same + period]) same++;
    if (same >= needed) return needed - period;
  }
  return 0;
}
