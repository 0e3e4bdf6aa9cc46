/** @packageDocumentation Any audio to 25 tokens a second and back. */
export { AudioError, decodeAudio, encodeWav } from "@uat/audio";
export { GraphError } from "@uat/graph";
export { AudioDecoder } from "./audio-decoder.ts";
export type { AudioInput, AudioInputOptions, LiveAudio, RawAudio } from "./audio-input.ts";
export {
  AudioTokenizer,
  type CodesChunk,
  type EncodeOptions,
  type PretrainedOptions,
  type TokenizerOptions,
} from "./audio-tokenizer.ts";
export { CheckpointError } from "./checkpoint/errors.ts";
export type { DecodeOptions, DecodeStreamOptions, Prompt } from "./decoders/decoder-system.ts";
export { TokenizerError } from "./errors.ts";
export { type AudioCodes, type ClipCodes, codeTime } from "./tokenizers/audio-codes.ts";
