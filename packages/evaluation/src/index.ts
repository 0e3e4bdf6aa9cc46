/** @packageDocumentation What the codec keeps of audio, measured: transcription and word errors, clusters, answers. */
export {
  BYTE_CHARACTERS,
  crossAttentionCache,
  type DecoderAttention,
  type DecoderOptions,
  decoderLayer,
  EMOTION_SYNONYMS,
  EMOTIONS,
  type Emotion,
  emotionOf,
  formatSap,
  SAP_AGES,
  SAP_GENDERS,
  type SapAnswer,
  type SapEvent,
  type WhisperConfig,
  WhisperVocabulary,
  whisperDecoder,
  whisperEncoder,
} from "universal-audio-tokenizer/internal";
export {
  type KMeansResult,
  kMeans,
  type Metric,
  purity,
  silhouette,
  silhouetteSamples,
} from "./clustering/clustering.ts";
export { clusterEvaluation, clusterSections, type LabelledCodes } from "./clustering/index.ts";
export { bestKMeans, kMeansRuns, plusPlusCentres } from "./clustering/kmeans-start.ts";
export { countHistograms, type Matrix, matrix, type Normalization, normalizeRows, rowOf } from "./clustering/matrix.ts";
export {
  type AlignmentStep,
  addCounts,
  align,
  CORRECT,
  countErrorsAsJiwer,
  countSteps,
  DELETION,
  type ErrorCounts,
  errorsOf,
  INSERTION,
  SUBSTITUTION,
} from "./edit-distance.ts";
export { EvaluationError } from "./errors.ts";
export { type JiwerMeasures, jiwerCharacters, jiwerWords } from "./jiwer.ts";
export * from "./metrics/index.ts";
export { type PythonJson, parsePythonJson } from "./python-json.ts";
export { parseSap, type SapScore, type SapSummary, scoreSap, summarizeSap } from "./sap.ts";
export { type BootstrapOptions, bootstrapInterval } from "./suite/bootstrap.ts";
export type * from "./suite/evaluation.ts";
export { normalizeBasic, normalizeEnglish, normalizeText } from "./text-normalizer.ts";
export { tokenEvaluation } from "./tokens/token-evaluation.ts";
export { type CorpusWer, corpusWer, tokenizeForWer, type WerResult, wordErrors } from "./wer.ts";
export { readWhisperConfig, type WhisperGeneration } from "./whisper-config.ts";
export { type TranscribeOptions, type Transcription, WhisperTranscriber } from "./whisper-transcriber.ts";
