/**
 * Text ↔ token ids by a Hugging Face tokenizer.json with byte-level BPE: Whisper's, or the small one of
 * byte-tokenizer.ts. Start tokens that the file lacks are appended after its last id, as transformers'
 * `add_special_tokens` does.
 */
import { Tokenizer } from "@huggingface/tokenizers";
import { WhisperVocabulary } from "@uat/evaluation";
import { type ModelFiles, readJson } from "universal-audio-tokenizer/internal";
import { z } from "zod";
import { TrainingError } from "../errors.ts";
import { ADDED_START_TOKENS, END_TOKEN, START_TOKENS, TASKS, type Task } from "./tasks.ts";

const id = z.int().nonnegative();
const schema = z.looseObject({
  added_tokens: z.array(z.looseObject({ id, content: z.string() })).default([]),
  model: z.looseObject({ vocab: z.record(z.string(), id), merges: z.array(z.unknown()) }),
  pre_tokenizer: z.looseObject({}),
});

/** The content of a tokenizer.json. */
export type TokenizerJson = z.output<typeof schema>;

export class TextTokenizer {
  /** The file's content with all start tokens: what a checkpoint stores as tokenizer.json. */
  readonly json: TokenizerJson;
  /** Ids are 0 … size − 1: rows that the decoder's embedding needs. */
  readonly size: number;
  /** The id of `<|endoftext|>`. */
  readonly end: number;
  readonly #starts: Readonly<Record<Task, number>>;
  readonly #encoder: Tokenizer;
  readonly #vocabulary: WhisperVocabulary;

  /**
   * @param value the parsed tokenizer.json.
   * @param file named in messages.
   * @throws TrainingError when it is no byte-level BPE tokenizer with `<|endoftext|>` and `<|startoftranscript|>`.
   */
  constructor(value: unknown, file = "tokenizer.json") {
    const parsed = schema.safeParse(value);
    if (!parsed.success) {
      const { path } = parsed.error.issues[0]!;
      throw new TrainingError(
        `${file}: ${path.slice(0, 2).join(".") || "the file"} is missing or not as expected; ` +
          "give a tokenizer.json with byte-level BPE, such as Whisper's",
      );
    }
    this.json = withStartTokens(parsed.data);
    this.#vocabulary = WhisperVocabulary.fromJson(this.json, file);
    const special = (content: string): number => {
      const found = this.#vocabulary.special(content);
      if (found === undefined) throw new TrainingError(`${file}: has no ${content}; give Whisper's tokenizer.json`);
      return found;
    };
    this.end = special(END_TOKEN);
    this.#starts = Object.fromEntries(TASKS.map((task) => [task, special(START_TOKENS[task])])) as Record<Task, number>;
    this.size = lastId(this.json) + 1;
    try {
      // Without added tokens: a text that happens to hold "<|endoftext|>" must not end there.
      this.#encoder = new Tokenizer({ ...this.json, added_tokens: [], post_processor: null }, {});
      this.#encoder.encode("a");
    } catch (cause) {
      throw new TrainingError(`${file}: cannot be used to write text as tokens (${(cause as Error).message})`, {
        cause,
      });
    }
  }

  /** Reads tokenizer.json. @throws CheckpointError when it is missing or no JSON, TrainingError as the constructor. */
  static async read(files: ModelFiles, path = "tokenizer.json"): Promise<TextTokenizer> {
    return new TextTokenizer(await readJson(files, path), path);
  }

  /** The decoder's first token for a task. */
  start(task: Task): number {
    return this.#starts[task];
  }

  /** Ids of a text, none of them special: `<|…|>` in a text is spelt out. */
  encode(text: string): number[] {
    return this.#encoder.encode(text, { add_special_tokens: false }).ids;
  }

  /** The pieces of a text across which no token reaches, written in byte characters. */
  words(text: string): string[] {
    return this.#encoder.pre_tokenizer?.pre_tokenize(text) ?? [text];
  }

  /** Text of ids, special and unknown ones left out; bytes that are not UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>): string {
    return this.#vocabulary.decode(ids);
  }

  /** Text of what a decoder wrote after its first token: up to the end token, or all where there is none. */
  answer(ids: readonly number[]): string {
    const end = ids.indexOf(this.end);
    return this.decode(end < 0 ? ids : ids.slice(0, end));
  }
}

function lastId({ added_tokens, model }: TokenizerJson): number {
  let last = -1;
  for (const value of Object.values(model.vocab)) last = Math.max(last, value);
  for (const token of added_tokens) last = Math.max(last, token.id);
  return last;
}

/** A special token's entry in tokenizer.json. */
export const addedToken = (content: string, id: number) => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});

function withStartTokens(json: TokenizerJson): TokenizerJson {
  const known = new Set(json.added_tokens.map((token) => token.content));
  const first = lastId(json) + 1;
  const added = ADDED_START_TOKENS.filter((content) => !known.has(content)).map((content, i) =>
    addedToken(content, first + i),
  );
  return { ...json, added_tokens: [...json.added_tokens, ...added] };
}
