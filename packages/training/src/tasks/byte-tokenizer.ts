/**
 * A small tokenizer.json for models that do not start from Whisper: every byte is a token, so any text can be written,
 * and byte pairs learned from texts make what is written often short. Same format and same special tokens as Whisper's,
 * no download.
 */
import { BYTE_CHARACTERS, EMOTIONS, formatSap, SAP_AGES, SAP_GENDERS } from "@uat/evaluation";
import { learnMerges, type Merge } from "./byte-pairs.ts";
import { END_TOKEN, START_TOKENS } from "./tasks.ts";
import { addedToken, TextTokenizer } from "./text-tokenizer.ts";

const BYTE_LEVEL = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };

/** The words that every answer about a clip is made of: its keys, its values from closed lists and its punctuation. */
const SAP_TEXTS: readonly string[] = [...SAP_AGES, ...SAP_GENDERS, ...EMOTIONS].flatMap((word) => {
  const is = <T extends string>(list: readonly T[]) => list.find((item) => item === word) ?? null;
  const event = { label: "", characteristic: "" };
  const answer = (transcription: string | null, text: string | null, events: readonly (typeof event)[]) =>
    formatSap({
      transcription,
      paralinguistics: {
        age: is(SAP_AGES),
        gender: is(SAP_GENDERS),
        emotion: is(EMOTIONS),
        accent: text,
        prosody: text,
        timbre: text,
      },
      nonLinguisticEvents: { description: text, discreteEvents: events, continuousEvents: events },
    });
  return [word, answer(null, null, []), answer("", "", [event, event])];
});

/**
 * @param options.texts what byte pairs are learned from; by default the fixed words of answers about a clip.
 * @param options.merges most byte pairs to learn. 512 by default.
 * @returns a tokenizer of 256 bytes in Whisper's order ("!" is 0), the pairs, and five special tokens.
 */
export function byteTokenizer(
  options: { readonly texts?: Iterable<string>; readonly merges?: number } = {},
): TextTokenizer {
  const bytes = new TextTokenizer(tokenizerJson([]));
  const words = new Map<string, number>();
  for (const text of options.texts ?? SAP_TEXTS)
    for (const word of bytes.words(text)) words.set(word, (words.get(word) ?? 0) + 1);
  return new TextTokenizer(tokenizerJson(learnMerges(words, ALPHABET, options.merges ?? 512)));
}

/** Whisper's order: that of the characters that stand for the bytes. */
const ALPHABET: readonly string[] = [...BYTE_CHARACTERS].sort();

function tokenizerJson(merges: readonly Merge[]): unknown {
  const symbols = new Set([...ALPHABET, ...merges.map(([left, right]) => left + right)]);
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [END_TOKEN, START_TOKENS.asr].map((content, i) => addedToken(content, symbols.size + i)),
    normalizer: null,
    pre_tokenizer: BYTE_LEVEL,
    post_processor: null,
    decoder: BYTE_LEVEL,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(Array.from(symbols, (symbol, i) => [symbol, i])),
      merges,
    },
  };
}
