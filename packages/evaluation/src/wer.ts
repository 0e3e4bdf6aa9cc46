/**
 * Word error rate as upstream measures it: its own tokens (words without punctuation, single Chinese characters) and its
 * own choice among equally short alignments.
 */
import { type AlignmentStep, addCounts, align, countSteps, type ErrorCounts, errorsOf } from "./edit-distance.ts";
import { splitWords, strip } from "./python-text.ts";

/**
 * Upstream's 99 word-breaking characters. Apostrophes split words; ASCII - % _ ~ # @ & * < > \ ^ $ are kept.
 * Ranges: ASCII; middle dot; dashes and quotes of U+2010…U+2027; CJK punctuation; small forms; full and half width.
 */
const PUNCTUATION = new RegExp(
  [
    String.raw`[!"'()+,./:;=?[\]\u0060{|}`,
    String.raw`\u00b7\u2013\u2014\u2018\u2019\u201b-\u201f\u2026\u2027`,
    String.raw`\u3001-\u3003\u3008-\u3011\u3014-\u301f\u3030\u303e\u303f`,
    String.raw`\ufe4f\ufe51\ufe54`,
    String.raw`\uff01-\uff0d\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff64]+`,
  ].join(""),
  "g",
);
const CHINESE = /[\u4e00-\u9fff]/g;

/** Tokens of a text: `<unk>` dropped, punctuation to blanks, lower case, Chinese characters one by one, words otherwise. */
export function tokenizeForWer(text: string): string[] {
  const plain = strip(text.replaceAll("<unk>", "").replace(PUNCTUATION, " ")).toLowerCase();
  return splitWords(plain.replace(CHINESE, " $& "));
}

export interface WerResult extends ErrorCounts {
  /** 100 · errors / max(reference, 1). */
  readonly percent: number;
  readonly alignment: readonly AlignmentStep[];
}

/** Word errors of one pair of texts; a reference without tokens makes every word of the hypothesis an insertion. */
export function wordErrors(reference: string, hypothesis: string): WerResult {
  const alignment = align(tokenizeForWer(reference), tokenizeForWer(hypothesis));
  const counts = countSteps(alignment);
  return { ...counts, percent: (100 * errorsOf(counts)) / Math.max(counts.reference, 1), alignment };
}

export interface CorpusWer extends ErrorCounts {
  /** Errors / reference tokens, a fraction; 0 when no pair counts. */
  readonly wer: number;
  /** Pairs that counted. */
  readonly pairs: number;
}

/** Word errors of many pairs as one text. Pairs whose reference has no tokens are left out, as upstream does. */
export function corpusWer(pairs: Iterable<{ readonly reference: string; readonly hypothesis: string }>): CorpusWer {
  const counted: ErrorCounts[] = [];
  for (const { reference, hypothesis } of pairs) {
    const { percent: _, alignment: __, ...counts } = wordErrors(reference, hypothesis);
    if (counts.reference > 0) counted.push(counts);
  }
  const total = addCounts(counted);
  return { ...total, wer: total.reference === 0 ? 0 : errorsOf(total) / total.reference, pairs: counted.length };
}
