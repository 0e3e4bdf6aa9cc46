/**
 * Word and character error rates that equal those of jiwer 3.1, the usual Python tool, on the texts as they are: no
 * punctuation, case or number rules. Words are what stands between blanks, characters are Unicode code points.
 */
import { addCounts, countErrorsAsJiwer, type ErrorCounts, errorsOf } from "./edit-distance.ts";
import { EvaluationError } from "./errors.ts";
import { joinRuns, strip } from "./python-text.ts";

export interface JiwerMeasures extends ErrorCounts {
  /** Errors / reference tokens: word (or character) error rate; may pass 1. */
  readonly rate: number;
  /** Match error rate: errors / (errors + correct). */
  readonly mer: number;
  /** Word information preserved: correct² / (reference · hypothesis). */
  readonly wip: number;
  /** Word information lost: 1 − wip. */
  readonly wil: number;
}

/** Runs of white space become one blank, then words between blanks: a lone tab or wide space joins words. */
const words = (text: string): string[] =>
  strip(joinRuns(text))
    .split(" ")
    .filter((word) => word !== "");

const characters = (text: string): string[] => Array.from(strip(text));

/** Word measures of one pair, or of pairs together. @throws EvaluationError for an empty reference. */
export const jiwerWords = (
  reference: string | readonly string[],
  hypothesis: string | readonly string[],
): JiwerMeasures => measure(words, reference, hypothesis);

/** The same by characters. @throws EvaluationError for an empty reference. */
export const jiwerCharacters = (
  reference: string | readonly string[],
  hypothesis: string | readonly string[],
): JiwerMeasures => measure(characters, reference, hypothesis);

function measure(
  split: (text: string) => string[],
  reference: string | readonly string[],
  hypothesis: string | readonly string[],
): JiwerMeasures {
  const references = typeof reference === "string" ? [reference] : reference;
  const hypotheses = typeof hypothesis === "string" ? [hypothesis] : hypothesis;
  if (references.length !== hypotheses.length)
    throw new EvaluationError(`${references.length} references and ${hypotheses.length} hypotheses; expected as many`);
  const counts = references.map((text, i) => {
    const tokens = split(text);
    if (tokens.length === 0) throw new EvaluationError(`reference ${i} is empty; expected at least one token`);
    return countErrorsAsJiwer(tokens, split(hypotheses[i]!));
  });
  const total = addCounts(counts);
  const errors = errorsOf(total);
  const wip = total.hypothesis === 0 ? 0 : (total.correct / total.reference) * (total.correct / total.hypothesis);
  return {
    ...total,
    rate: errors / total.reference,
    mer: errors / (errors + total.correct),
    wip,
    wil: 1 - wip,
  };
}
