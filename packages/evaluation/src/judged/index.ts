/** Evaluations that a language model answers or judges, and those of synthesised speech. */
export {
  ChatEndpoint,
  type ChatMessage,
  type ContentPart,
  type EndpointOptions,
  endpointKey,
  RefusedRequest,
} from "./chat-endpoint.ts";
export { normalizeEventLabel } from "./event-labels.ts";
export { parseRows, readListText, readPredictions, readRows } from "./node/read-rows.ts";
export { BENCHMARKS, type Benchmark, benchmarkOf, parseQuestions, type Question } from "./questions.ts";
export { type Describe, type SapOptions, type SapPredictions, sapEvaluation } from "./sap-evaluation.ts";
export { type Measure, type TtsOptions, ttsEvaluation } from "./tts-evaluation.ts";
export { parseTtsList, type TtsLine } from "./tts-list.ts";
export {
  type Presentation,
  TOKEN_TEXT,
  type UnderstandingOptions,
  understandingEvaluation,
} from "./understanding-evaluation.ts";
