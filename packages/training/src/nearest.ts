import { align, countSteps, errorsOf } from "@uat/evaluation";

/**
 * The known word that is spelt most like a given one, for messages.
 * @returns undefined when none is near: more than a third of the longer word's letters would have to change.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  // what is longer than any word is nobody's slip of the pen
  if (word.length > 64) return undefined;
  const letters = Array.from(word.toLowerCase());
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const errors = errorsOf(countSteps(align(Array.from(candidate.toLowerCase()), letters)));
    if (errors < fewest && errors <= Math.max(candidate.length, word.length) / 3) {
      best = candidate;
      fewest = errors;
    }
  }
  return best;
}
