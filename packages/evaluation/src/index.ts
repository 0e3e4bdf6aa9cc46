/** @packageDocumentation What the codec keeps of audio, measured: transcription and word error rate, clusters, answers. */
export {
  crossAttentionCache,
  type DecoderOptions,
  type WhisperConfig,
  whisperDecoder,
  whisperEncoder,
} from "./models/whisper-decoder.ts";
export { type TranscribeOptions, type Transcription, WhisperTranscriber } from "./whisper-transcriber.ts";
export { WhisperVocabulary } from "./whisper-vocabulary.ts";
