/** What a describer may be asked to write: the decoder's first token, and the texts that are answers. */
import { TokenizerError } from "../errors.ts";
import type { ByteState } from "./byte-grammar.ts";
import { emotionGrammar, sapGrammar, textGrammar } from "./sap-grammar.ts";
import { TokenAutomaton } from "./token-automaton.ts";
import type { WhisperVocabulary } from "./whisper-vocabulary.ts";

/**
 * `sap`: the answer in JSON; `caption`: the scene in a sentence; `asr`: what is said; `emotion`: one of the seven.
 */
export type DescribeTask = "sap" | "caption" | "asr" | "emotion";

/** The names of the tasks. */
export const DESCRIBE_TASKS: readonly DescribeTask[] = ["sap", "caption", "asr", "emotion"];

/** The decoder's first token for each task, as in training (packages/training/src/tasks/tasks.ts). */
export const FIRST_TOKENS: Readonly<Record<DescribeTask, string>> = {
  sap: "<|startofsap|>",
  caption: "<|startofcaption|>",
  asr: "<|startoftranscript|>",
  emotion: "<|emotion|>",
};

const GRAMMARS: Readonly<Record<DescribeTask, () => ByteState>> = {
  sap: sapGrammar,
  caption: textGrammar,
  asr: textGrammar,
  emotion: emotionGrammar,
};

/** @throws TokenizerError when the vocabulary lacks the token. */
function special(vocabulary: WhisperVocabulary, content: string): number {
  const id = vocabulary.special(content);
  if (id === undefined)
    throw new TokenizerError(
      `the describer's tokenizer.json has no ${content}; give one that was trained for this task`,
    );
  return id;
}

/** The decoder's first token. @throws TokenizerError when the describer does not know the task. */
export const startToken = (vocabulary: WhisperVocabulary, task: DescribeTask): number =>
  special(vocabulary, FIRST_TOKENS[task]);

/** What the decoder may write. @throws TokenizerError when the vocabulary cannot write an answer or has no end token. */
export function grammarOf(vocabulary: WhisperVocabulary, task: DescribeTask): TokenAutomaton {
  const grammar = new TokenAutomaton(GRAMMARS[task](), vocabulary.bytes, special(vocabulary, "<|endoftext|>"));
  if (grammar.distance(grammar.start) === Number.POSITIVE_INFINITY)
    throw new TokenizerError(
      "the describer's tokenizer.json cannot write every byte; expected a byte-level BPE vocabulary",
    );
  return grammar;
}
