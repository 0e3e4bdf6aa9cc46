/**
 * Token ids of a Whisper tokenizer.json → text. Only this direction: transcription never encodes text, training does.
 *
 * The vocabulary is byte-level BPE (Radford et al., 2019): a token is a run of bytes, written with one printable
 * character a byte. Bytes that are printable in Latin-1 stand for themselves, the other 68 for U+0100 onwards in order.
 */
import { CheckpointError } from "../checkpoint/errors.ts";
import { type ModelFiles, readJson } from "../checkpoint/model-files.ts";

/** The character that stands for each byte in a written token. */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(printable ? byte : next++);
  });
})();

const BYTE_OF: ReadonlyMap<string, number> = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

export class WhisperVocabulary {
  readonly #bytes: readonly (Uint8Array | undefined)[];
  readonly #special: ReadonlyMap<string, number>;

  /**
   * @param tokens BPE tokens as written in tokenizer.json → id.
   * @param special added tokens such as `<|en|>` → id; they stand for no text.
   */
  constructor(tokens: Readonly<Record<string, number>>, special: Readonly<Record<string, number>> = {}) {
    const bytes: (Uint8Array | undefined)[] = [];
    for (const [token, id] of Object.entries(tokens)) {
      const values = Array.from(token, (c) => BYTE_OF.get(c));
      // a token that is not written in byte characters is a special one
      bytes[id] = values.includes(undefined) ? undefined : Uint8Array.from(values as number[]);
    }
    for (const id of Object.values(special)) bytes[id] = undefined;
    this.#bytes = bytes;
    this.#special = new Map(Object.entries(special));
  }

  /** Reads tokenizer.json. @throws CheckpointError when it is missing or holds no BPE vocabulary. */
  static async read(files: ModelFiles, path = "tokenizer.json"): Promise<WhisperVocabulary> {
    return WhisperVocabulary.fromJson(await readJson(files, path), path);
  }

  /**
   * @param value the parsed tokenizer.json.
   * @param path named in messages.
   * @throws CheckpointError when it holds no BPE vocabulary.
   */
  static fromJson(value: unknown, path = "tokenizer.json"): WhisperVocabulary {
    const json = value as {
      model?: { vocab?: Record<string, number> };
      added_tokens?: { id: number; content: string }[];
    } | null;
    const tokens = json?.model?.vocab;
    if (typeof tokens !== "object" || tokens === null || Array.isArray(tokens))
      throw new CheckpointError(`${path}: has no model.vocab; expected a byte-level BPE tokenizer`);
    const special = Object.fromEntries((json?.added_tokens ?? []).map(({ content, id }) => [content, id]));
    return new WhisperVocabulary(tokens, special);
  }

  /** The bytes of each token by id; undefined for special and unknown ones. */
  get bytes(): readonly (Uint8Array | undefined)[] {
    return this.#bytes;
  }

  /** The id of an added token such as `<|startoftranscript|>`. */
  special(content: string): number | undefined {
    return this.#special.get(content);
  }

  /** Text of the ids, special tokens and unknown ids left out. Bytes that are not UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    // characters may be cut across tokens
    for (const id of ids) text += decoder.decode(this.#bytes[id] ?? new Uint8Array(0), { stream: true });
    return text + decoder.decode();
  }
}
