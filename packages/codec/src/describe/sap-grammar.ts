/** Which texts are answers to each task. */
import {
  anyText,
  type ByteState,
  finalState,
  jsonList,
  jsonString,
  jsonStringOrNull,
  literal,
  oneOf,
} from "./byte-grammar.ts";
import { EMOTIONS } from "./emotions.ts";
import { SAP_AGES, SAP_GENDERS } from "./sap-answer.ts";

/** Every text that formatSap writes, but for control characters without a short escape. */
export function sapGrammar(): ByteState {
  type Builder = (next: ByteState) => ByteState;
  const chain = (parts: readonly (string | Builder)[], end: ByteState): ByteState =>
    parts.reduceRight<ByteState>((next, part) => (typeof part === "string" ? literal(part, next) : part(next)), end);
  const choice =
    (values: readonly string[]): Builder =>
    (next) =>
      oneOf([...values.map((value) => JSON.stringify(value)), "null"], next);
  const event: Builder = (next) => chain(['{"label":', jsonString, ',"characteristic":', jsonString, "}"], next);
  const events: Builder = (next) => jsonList(event, next);
  return chain(
    [
      '{"transcription":',
      jsonStringOrNull,
      ',"paralinguistics":{"age":',
      choice(SAP_AGES),
      ',"gender":',
      choice(SAP_GENDERS),
      ',"emotion":',
      choice(EMOTIONS),
      ',"accent":',
      jsonStringOrNull,
      ',"prosody":',
      jsonStringOrNull,
      ',"timbre":',
      jsonStringOrNull,
      '},"nonLinguisticEvents":{"description":',
      jsonStringOrNull,
      ',"discreteEvents":',
      events,
      ',"continuousEvents":',
      events,
      "}}",
    ],
    finalState(),
  );
}

/** One of the seven emotions. */
export const emotionGrammar = (): ByteState => oneOf(EMOTIONS, finalState());

/** Any text: a transcript, a caption. */
export const textGrammar = anyText;
