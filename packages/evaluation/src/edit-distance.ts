/**
 * Levenshtein distance with equal costs, and how its errors split into substitutions, deletions and insertions. The
 * distance is unique, the split is not: among equally short paths each tool picks its own, so there are two rules here.
 */

/** Errors of a hypothesis against a reference. */
export interface ErrorCounts {
  /** Tokens of the reference. */
  readonly reference: number;
  /** Tokens of the hypothesis. */
  readonly hypothesis: number;
  readonly correct: number;
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
}

export const CORRECT = 0;
export const SUBSTITUTION = 1;
export const DELETION = 2;
export const INSERTION = 3;

/**
 * One step of an alignment: tokens consumed so far on either side after it, so both are 1-based indices of the tokens it
 * joins; the side that a deletion or insertion lacks keeps its count.
 */
export type AlignmentStep = readonly [
  reference: number,
  hypothesis: number,
  kind: typeof CORRECT | typeof SUBSTITUTION | typeof DELETION | typeof INSERTION,
];

/** Distances of all prefixes, row-major [reference + 1, hypothesis + 1]. */
function prefixDistances(reference: readonly string[], hypothesis: readonly string[]): Uint32Array {
  const width = hypothesis.length + 1;
  const table = new Uint32Array((reference.length + 1) * width);
  for (let j = 0; j < width; j++) table[j] = j;
  for (let i = 1; i <= reference.length; i++) {
    table[i * width] = i;
    for (let j = 1; j < width; j++) {
      const at = i * width + j;
      const replaced = table[at - width - 1]! + (reference[i - 1] === hypothesis[j - 1] ? 0 : 1);
      table[at] = Math.min(replaced, table[at - width]! + 1, table[at - 1]! + 1);
    }
  }
  return table;
}

/**
 * The path that upstream counts: walking back from the end, a diagonal step is taken where one is on a shortest path,
 * else a deletion, else an insertion. Memory: 4 bytes · (reference + 1) · (hypothesis + 1).
 */
export function align(reference: readonly string[], hypothesis: readonly string[]): AlignmentStep[] {
  const table = prefixDistances(reference, hypothesis);
  const width = hypothesis.length + 1;
  const steps: AlignmentStep[] = [];
  for (let i = reference.length, j = hypothesis.length; i > 0 || j > 0; ) {
    const here = table[i * width + j]!;
    const same = i > 0 && j > 0 && reference[i - 1] === hypothesis[j - 1];
    if (i > 0 && j > 0 && table[(i - 1) * width + j - 1]! + (same ? 0 : 1) === here) {
      steps.push([i--, j--, same ? CORRECT : SUBSTITUTION]);
    } else if (i > 0 && table[(i - 1) * width + j]! + 1 === here) steps.push([i--, j, DELETION]);
    else steps.push([i, j--, INSERTION]);
  }
  return steps.reverse();
}

/** Sums up an alignment. */
export function countSteps(steps: readonly AlignmentStep[]): ErrorCounts {
  const counts = [0, 0, 0, 0] as [number, number, number, number];
  for (const [, , kind] of steps) counts[kind]++;
  const [correct, substitutions, deletions, insertions] = counts;
  return {
    reference: correct + substitutions + deletions,
    hypothesis: correct + substitutions + insertions,
    correct,
    substitutions,
    deletions,
    insertions,
  };
}

/**
 * The split that jiwer reports: a common beginning and end are set aside; walking back through the rest, a deletion is
 * taken wherever it is on a shortest path, then an insertion where the step before it would be a gain, else a diagonal.
 */
export function countErrorsAsJiwer(reference: readonly string[], hypothesis: readonly string[]): ErrorCounts {
  const [n, m] = [reference.length, hypothesis.length];
  let head = 0;
  while (head < Math.min(n, m) && reference[head] === hypothesis[head]) head++;
  let tail = 0;
  while (tail < Math.min(n, m) - head && reference[n - 1 - tail] === hypothesis[m - 1 - tail]) tail++;
  const rest = reference.slice(head, n - tail);
  const given = hypothesis.slice(head, m - tail);

  const table = prefixDistances(rest, given);
  const width = given.length + 1;
  let [i, j, substitutions, deletions, insertions] = [rest.length, given.length, 0, 0, 0];
  while (i > 0 && j > 0) {
    const at = i * width + j;
    if (table[at] === table[at - width]! + 1) {
      deletions++;
      i--;
    } else if (table[at - 1]! + 1 === table[at - width - 1]!) {
      insertions++;
      j--;
    } else {
      if (rest[i - 1] !== given[j - 1]) substitutions++;
      i--;
      j--;
    }
  }
  deletions += i;
  insertions += j;
  return {
    reference: n,
    hypothesis: m,
    correct: n - substitutions - deletions,
    substitutions,
    deletions,
    insertions,
  };
}

/** Counts of several pairs together. */
export function addCounts(counts: Iterable<ErrorCounts>): ErrorCounts {
  const sum = { reference: 0, hypothesis: 0, correct: 0, substitutions: 0, deletions: 0, insertions: 0 };
  for (const one of counts) for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += one[key];
  return sum;
}

/** Substitutions, deletions and insertions together. */
export const errorsOf = (c: ErrorCounts): number => c.substitutions + c.deletions + c.insertions;
