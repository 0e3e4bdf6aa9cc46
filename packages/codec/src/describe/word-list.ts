/** How likely words are, by themselves: what a reader's spelling is weighed against. */
import { CheckpointError } from "../checkpoint/errors.ts";

/** Words that were never counted cost as much as one that was counted half a time, and more for each letter. */
const UNKNOWN_COUNT = 0.5;
const UNKNOWN_LETTER = Math.log(1 / 8);

export class WordList {
  readonly #counts: ReadonlyMap<string, number>;
  /** The count of the commonest word with each beginning. */
  readonly #beginnings = new Map<string, number>();
  readonly #total: number;

  /** @param counts of each word in some text. */
  constructor(counts: ReadonlyMap<string, number>) {
    this.#counts = counts;
    let total = 0;
    for (const [word, count] of counts) {
      total += count;
      for (let n = 1; n <= word.length; n++) {
        const beginning = word.slice(0, n);
        if (count > (this.#beginnings.get(beginning) ?? 0)) this.#beginnings.set(beginning, count);
      }
    }
    this.#total = total;
  }

  /**
   * @param text a line a word: the word, a tab, its count.
   * @param file named in messages.
   * @throws CheckpointError for a line that is none.
   */
  static parse(text: string, file: string): WordList {
    const counts = new Map<string, number>();
    for (const [i, line] of text.split("\n").entries()) {
      if (line === "") continue;
      const [word, count] = line.split("\t");
      if (!word || !(Number(count) > 0))
        throw new CheckpointError(`${file}: line ${i + 1} is not a word, a tab and a count above 0`);
      counts.set(word, Number(count));
    }
    return new WordList(counts);
  }

  /** Natural logarithm of a word's probability. */
  logProbability(word: string): number {
    return this.#logarithm(this.#counts.get(word), word);
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
