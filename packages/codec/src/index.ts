/** @packageDocumentation Any audio to 25 tokens a second and back. */
export { AudioError, type ByteSource, type Channel, decodeAudio, encodeWav } from "@uat/audio";
export { type Device, GraphError } from "@uat/graph";
export { AudioDecoder } from "./audio-decoder.ts";
export {
  AudioDescriber,
  type ClipTokens,
  type DescribedPiece,
  type DescribeOptions,
  type DescriberOptions,
  type Description,
} from "./audio-describer.ts";
export type { AudioInput, AudioInputOptions, LiveAudio, RawAudio } from "./audio-input.ts";
export {
  AudioTokenizer,
  type Codebook,
  type CodesChunk,
  type EncodeOptions,
  type LiveEncodeOptions,
  type PretrainedOptions,
  type TokenizerOptions,
} from "./audio-tokenizer.ts";
export { CheckpointError } from "./checkpoint/errors.ts";
export type { HubProgress } from "./checkpoint/hub-progress.ts";
export type { DecodeOptions, DecodeStreamOptions, Prompt } from "./decoders/decoder-system.ts";
export type { DescribeTask } from "./describe/describe-tasks.ts";
export type { Emotion } from "./describe/emotions.ts";
export type { SapAnswer, SapEvent, SapSounds, SapSpeaker } from "./describe/sap-answer.ts";
export { TokenizerError } from "./errors.ts";
export type { OpenModelOptions } from "./platform/model-options.ts";
export { type AudioCodes, type ClipCodes, codeTime } from "./tokenizers/audio-codes.ts";
export type { TokenizerDtype } from "./tokenizers/whisper-vq-tokenizer.ts";
