/** How well a decoder does its tasks: what it wrote, by greedy decoding, against what it should have written. */
import {
  corpusWer,
  jiwerCharacters,
  parseSap,
  type SapAnswer,
  scoreSap,
  summarizeSap,
  tokenizeForWer,
} from "@uat/evaluation";
import { IGNORED_LABEL, targetText } from "./targets.ts";
import type { Task } from "./tasks.ts";

export interface AnswerPair {
  /** The row's text. */
  readonly reference: string;
  /** What the decoder wrote, {@link TextTokenizer.answer}. */
  readonly hypothesis: string;
}

/** Measures by name, fractions; a measure that no pair counts for is missing. */
export type Scores = Readonly<Record<string, number>>;

/**
 * - asr: `wer` and `cer` (upstream's tokens: no punctuation, lower case, Chinese characters one by one);
 * - ser: `accuracy`;
 * - caption: `wer` and `exact`, the share that is equal;
 * - sap: `valid`, the share of valid answers; of the pairs where both are valid `age`, `gender`, `emotion` by upstream's
 *   rules, the share of equal `accent`, `prosody`, `timbre`, `description`, `discreteEvents` and `continuousEvents`, and
 *   of the transcriptions `wer`; `exact`, the share of answers that are right in all.
 * @throws TrainingError when a reference is no label of the task.
 */
export function scoreAnswers(task: Task, pairs: readonly AnswerPair[]): Scores {
  if (pairs.length === 0) return {};
  if (task === "ser") return { accuracy: share(pairs, (p) => p.hypothesis.trim() === label(task, p)) };
  if (task === "sap") return scoreSapAnswers(pairs);
  const words = corpusWer(pairs);
  const wer = words.pairs > 0 ? { wer: words.wer } : {};
  if (task === "caption") return { ...wer, exact: share(pairs, (p) => p.hypothesis.trim() === p.reference.trim()) };
  const spoken = pairs.filter((p) => tokenizeForWer(p.reference).length > 0);
  if (spoken.length === 0) return wer;
  const characters = (side: keyof AnswerPair) => spoken.map((p) => tokenizeForWer(p[side]).join(" "));
  return { ...wer, cer: jiwerCharacters(characters("reference"), characters("hypothesis")).rate };
}

const label = (task: Task, { reference }: AnswerPair) => targetText(task, reference, "an evaluated row");

const share = <T>(items: readonly T[], is: (item: T) => boolean): number => items.filter(is).length / items.length;

function scoreSapAnswers(pairs: readonly AnswerPair[]): Scores {
  const summary = summarizeSap(pairs.map((p) => scoreSap(p.hypothesis, p.reference)));
  const answers = pairs.map((p) => [parseSap(p.hypothesis), parseSap(label("sap", p))!] as const);
  const valid = answers.filter((pair): pair is readonly [SapAnswer, SapAnswer] => pair[0] !== undefined);
  const scores: Record<string, number | undefined> = {
    valid: summary.validRate,
    age: summary.age,
    gender: summary.gender,
    emotion: summary.emotion,
    wer: summary.wer,
    exact: share(answers, ([a, b]) => JSON.stringify(a) === JSON.stringify(b)),
  };
  const equal = (of: (answer: SapAnswer) => unknown) =>
    valid.length === 0 ? undefined : share(valid, ([a, b]) => JSON.stringify(of(a)) === JSON.stringify(of(b)));
  for (const key of ["accent", "prosody", "timbre"] as const) scores[key] = equal((a) => a.paralinguistics[key]);
  for (const key of ["description", "discreteEvents", "continuousEvents"] as const)
    scores[key] = equal((a) => a.nonLinguisticEvents[key]);
  return Object.fromEntries(
    Object.entries(scores).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

/**
 * How many labels a decoder that is told all tokens so far gets right; labels of −100 do not count.
 * @param likeliest the likeliest id at each position, as long as `labels`.
 */
export function countRightTokens(
  likeliest: ArrayLike<number | bigint>,
  labels: ArrayLike<number | bigint>,
): { readonly right: number; readonly counted: number } {
  let right = 0;
  let counted = 0;
  for (let i = 0; i < labels.length; i++) {
    if (Number(labels[i]) === IGNORED_LABEL) continue;
    counted++;
    if (Number(labels[i]) === Number(likeliest[i])) right++;
  }
  return { right, counted };
}
