/** How likely words are, by themselves and behind another: what a reader's spelling is weighed against. */
import { CheckpointError } from "../checkpoint/errors.ts";

/** Words that were never counted cost as much as one that was counted half a time, and more for each letter. */
const UNKNOWN_COUNT = 0.5;
const UNKNOWN_LETTER = Math.log(1 / 8);
/** Letters of a line's text: every beginning of a word is kept. */
const LONGEST = 200;
/** Share of what pairs say in the probability of a word (Jelinek & Mercer, 1980). */
const PAIRS = 0.6;

export class WordList {
  readonly #counts: ReadonlyMap<string, number>;
  /** The count of the commonest word with each beginning. */
  readonly #beginnings = new Map<string, number>();
  readonly #total: number;
  /** Of two words with a blank between them. */
  readonly #pairs: ReadonlyMap<string, number>;

  /** @param counts of each word in some text, and of pairs of words with a blank between them. */
  constructor(counts: ReadonlyMap<string, number>) {
    const isPair = ([text]: readonly [string, number]) => text.includes(" ");
    const words = new Map([...counts].filter((entry) => !isPair(entry)));
    this.#counts = words;
    this.#pairs = new Map([...counts].filter(isPair));
    let total = 0;
    for (const [word, count] of words) {
      total += count;
      for (let n = 1; n <= word.length; n++) {
        const beginning = word.slice(0, n);
        if (count > (this.#beginnings.get(beginning) ?? 0)) this.#beginnings.set(beginning, count);
      }
    }
    this.#total = total;
  }

  /**
   * @param text a line a word or a pair of words: itself, a tab, its count.
   * @param file named in messages.
   * @throws CheckpointError for a line that is none.
   */
  static parse(text: string, file: string): WordList {
    const counts = new Map<string, number>();
    for (const [i, line] of text.split("\n").entries()) {
      if (line === "") continue;
      const [word, count] = line.split("\t");
      if (!word || word.length > LONGEST || !(Number(count) > 0 && Number.isFinite(Number(count))))
        throw new CheckpointError(
          `${file}: line ${i + 1} is not text of at most ${LONGEST} letters, a tab and a count above 0`,
        );
      counts.set(word, Number(count));
    }
    return new WordList(counts);
  }

  /** Natural logarithm of a word's probability, behind another where that is given. */
  logProbability(word: string, previous?: string): number {
    const alone = this.#logarithm(this.#counts.get(word), word);
    const before = previous === undefined || this.#pairs.size === 0 ? undefined : this.#counts.get(previous);
    if (before === undefined) return alone;
    const together = this.#pairs.get(`${previous} ${word}`) ?? 0;
    return Math.log((PAIRS * together) / before + (1 - PAIRS) * Math.exp(alone));
  }

  /** That of the likeliest word with this beginning. */
  bestLogProbability(beginning: string): number {
    return this.#logarithm(this.#beginnings.get(beginning), beginning);
  }

  #logarithm(count: number | undefined, letters: string): number {
    if (count !== undefined) return Math.log(count / this.#total);
    return Math.log(UNKNOWN_COUNT / this.#total) + UNKNOWN_LETTER * letters.length;
  }
}
