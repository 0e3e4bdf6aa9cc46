/** Classes of sound events, any number of which are heard in a clip. */

import { TrainingError } from "../errors.ts";
import { nearest } from "../nearest.ts";

export class TagVocabulary {
  /** In the order of the head's outputs. */
  readonly tags: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;

  /** @param tags different classes. */
  constructor(tags: readonly string[]) {
    this.tags = tags;
    this.#numbers = new Map(tags.map((tag, i) => [tag, i]));
    if (tags.length === 0 || this.#numbers.size !== tags.length)
      throw new TrainingError(`a vocabulary of ${tags.length} tags: expected at least one, none of them twice`);
  }

  /** All tags of the rows, in the order of their code points. @throws TrainingError when there are none. */
  static ofRows(rows: Iterable<readonly string[]>): TagVocabulary {
    const tags = new Set<string>();
    for (const row of rows) for (const tag of row) tags.add(tag);
    return new TagVocabulary([...tags].sort());
  }

  /** Outputs of the head. */
  get size(): number {
    return this.tags.length;
  }

  /**
   * @param row named in messages.
   * @returns 1 for each tag that is there, 0 for the others; shape [size].
   * @throws TrainingError for a tag that is not in the vocabulary.
   */
  encode(tags: readonly string[], row: string): Float32Array {
    const out = new Float32Array(this.size);
    for (const tag of tags) {
      const number = this.#numbers.get(tag);
      if (number === undefined) {
        const close = nearest(tag, this.tags);
        throw new TrainingError(
          `${row}: tag ${JSON.stringify(tag.slice(0, 40))} is none of the ${this.size} known` +
            `${close === undefined ? "" : ` (did you mean ${JSON.stringify(close)}?)`}; remove the row, or list the tag in objectives.tags.vocabulary`,
        );
      }
      out[number] = 1;
    }
    return out;
  }
}
