/**
 * What is spelled by logits of connectionist temporal classification, weighed against how likely its words are: prefix beam
 * search (Hannun et al., 2014, arXiv 1408.2873, algorithm 1). A word that is not whole yet counts as the likeliest one that
 * begins so (Ortmanns et al., 1996): weighed at its end alone, text without any blank would win the beam.
 */
import type { WordList } from "./word-list.ts";

export interface SearchOptions {
  /** Prefixes that are kept at each step. */
  readonly beam?: number | undefined;
  /** Weight of a word's log-probability. */
  readonly weight?: number | undefined;
}

/** Characters less likely than this are not tried. */
const LEAST = Math.log(1e-3);
const NEVER = Number.NEGATIVE_INFINITY;
const BLANK = 0;

/** A beginning of the text, with the log-probabilities of all alignments that spell it. */
interface Prefix {
  readonly text: string;
  /** Its last character; 0 for the empty text. */
  readonly last: number;
  /** Weight of its whole words, and with the one that is not whole yet. */
  readonly words: number;
  readonly weighed: number;
  /** Alignments that end with a blank, and that end with the last character. */
  blank: number;
  spelled: number;
}

/**
 * @param logits [tokens, characters + 1], the first of the blank.
 * @returns the best text, words separated by single blanks.
 */
export function searchText(
  logits: Float32Array,
  characters: readonly string[],
  words: WordList,
  { beam = 64, weight = 0.7 }: SearchOptions = {},
): string {
  const width = characters.length + 1;
  const lastWord = (text: string) => text.slice(text.lastIndexOf(" ") + 1);
  const whole = (text: string) => {
    const word = lastWord(text);
    if (word === "") return 0;
    const before = text.slice(0, -word.length - 1);
    return weight * words.logProbability(word, before === "" ? undefined : lastWord(before));
  };
  const begun = (text: string) => {
    const word = lastWord(text);
    return word === "" ? 0 : weight * words.bestLogProbability(word);
  };
  let beams: Prefix[] = [{ text: "", last: BLANK, words: 0, weighed: 0, blank: 0, spelled: NEVER }];
  for (let at = 0; at < logits.length; at += width) {
    const logp = logSoftmax(logits.subarray(at, at + width));
    const next = new Map<string, Prefix>();
    const known = (text: string, make: () => Omit<Prefix, "blank" | "spelled">): Prefix => {
      let prefix = next.get(text);
      if (!prefix) {
        prefix = { ...make(), blank: NEVER, spelled: NEVER };
        next.set(text, prefix);
      }
      return prefix;
    };
    for (const prefix of beams) {
      const all = logAdd(prefix.blank, prefix.spelled);
      const stay = known(prefix.text, () => prefix);
      stay.blank = logAdd(stay.blank, all + logp[BLANK]!);
      if (prefix.last !== BLANK) stay.spelled = logAdd(stay.spelled, prefix.spelled + logp[prefix.last]!);
      for (let c = 1; c < width; c++) {
        if (logp[c]! < LEAST) continue;
        const character = characters[c - 1] as string;
        if (character === " " && (prefix.text === "" || prefix.text.endsWith(" "))) continue;
        // a character follows itself only across a blank
        const before = c === prefix.last ? prefix.blank : all;
        if (before === NEVER) continue;
        const text = prefix.text + character;
        const longer = known(text, () => {
          const done = character === " " ? prefix.words + whole(prefix.text) : prefix.words;
          return { text, last: c, words: done, weighed: done + begun(text) };
        });
        longer.spelled = logAdd(longer.spelled, before + logp[c]!);
      }
    }
    beams = [...next.values()].sort((a, b) => score(b) - score(a)).slice(0, beam);
  }
  let best = "";
  let most = NEVER;
  for (const prefix of beams) {
    const total = logAdd(prefix.blank, prefix.spelled) + prefix.words + whole(prefix.text);
    if (total <= most) continue;
    most = total;
    best = prefix.text;
  }
  return best.trim();
}

const score = (prefix: Prefix): number => logAdd(prefix.blank, prefix.spelled) + prefix.weighed;

function logAdd(a: number, b: number): number {
  if (a === NEVER) return b;
  if (b === NEVER) return a;
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
}

function logSoftmax(logits: Float32Array): Float64Array {
  let peak = NEVER;
  for (const value of logits) peak = Math.max(peak, value);
  let sum = 0;
  for (const value of logits) sum += Math.exp(value - peak);
  const norm = peak + Math.log(sum);
  return Float64Array.from(logits, (value) => value - norm);
}
