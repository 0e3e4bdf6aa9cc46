/** The part of internal.ts that runs in browsers as well: they get it under the same name. */

export { AudioDecoder } from "./audio-decoder.ts";
export { AudioDescriber } from "./audio-describer.ts";
export { AudioTokenizer } from "./audio-tokenizer.ts";
export * from "./checkpoint/config/acoustic-decoder.ts";
export * from "./checkpoint/config/codes-reader.ts";
export {
  type DecoderConfig,
  decoderSchema,
  type FlowConfig,
  type HiftConfig,
  parseDecoderConfig,
} from "./checkpoint/config/decoder.ts";
export { complaint, fieldName } from "./checkpoint/config/validate.ts";
export { parseWhisperVqConfig, readWhisperVqConfig, whisperVqSchema } from "./checkpoint/config/whisper-vq.ts";
export { CheckpointError, shown } from "./checkpoint/errors.ts";
export { type ModelFiles, memoryFiles, readJson, urlFiles } from "./checkpoint/model-files.ts";
export { type NpyArray, npyNumbers, readNpy, writeNpy } from "./checkpoint/npy.ts";
export { parametersOf } from "./checkpoint/parameters.ts";
export { PickleTuple } from "./checkpoint/pickle.ts";
export { openSafetensors, openSafetensorsModel } from "./checkpoint/safetensors.ts";
export type { LazyTensor } from "./checkpoint/safetensors-writer.ts";
export {
  float32Tensor,
  ITEM_BYTES,
  memoryStore,
  readFloat32,
  type TensorData,
  type TensorStore,
} from "./checkpoint/tensor-store.ts";
export { openTorchFile, openTorchObject, type TorchObject } from "./checkpoint/torch-file.ts";
export { TorchTensor } from "./checkpoint/torch-pickle.ts";
export { streamTorchFile, type TorchValue } from "./checkpoint/torch-writer.ts";
export { stripPrefix } from "./checkpoint/views.ts";
export { AcousticModel } from "./decoders/acoustic.ts";
export { openAcousticDecoder } from "./decoders/acoustic-decoder.ts";
export { frameBlend, melFrames, sourceTokens } from "./decoders/alignment.ts";
export { openDecoderWeights, openVocoderWeights } from "./decoders/decoder-weights.ts";
export { type ExcitationConfig, harmonicSource } from "./decoders/excitation.ts";
export { Flow } from "./decoders/flow.ts";
export { openFlowDecoder } from "./decoders/flow-decoder.ts";
export { type Mel, sliceMel } from "./decoders/mel.ts";
export type { MelModel } from "./decoders/mel-model.ts";
export { SpectrogramDecoder } from "./decoders/spectrogram-decoder.ts";
export { Vocoder } from "./decoders/vocoder.ts";
export { codebookHash } from "./describe/codebook-hash.ts";
export {
  type CutOptions,
  type CutVocabulary,
  cutVocabulary,
  gatherRows,
  renumberTokenIds,
} from "./describe/cut-vocabulary.ts";
export { DESCRIBE_TASKS, type DescribeTask } from "./describe/describe-tasks.ts";
export { EMOTION_SYNONYMS, EMOTIONS, type Emotion, emotionOf } from "./describe/emotions.ts";
export {
  isReaderLabel,
  LabelReader,
  readerLabel,
  readerLabels,
  readerText,
  SPEECH,
} from "./describe/reader-labels.ts";
export { repeatedTail } from "./describe/repetition.ts";
export { formatSap, SAP_AGES, SAP_GENDERS, type SapAnswer, type SapEvent } from "./describe/sap-answer.ts";
export { BYTE_CHARACTERS, WhisperVocabulary } from "./describe/whisper-vocabulary.ts";
export { type ExportedFile, exportModel } from "./export.ts";
export { type AcousticValues, acousticModel, REFERENCE_PITCH } from "./models/acoustic-model.ts";
export { codesEncoder, longestCodes } from "./models/codes-encoder.ts";
export { type CodesReaderConfig, codesReader, codesReaderGraph } from "./models/codes-reader.ts";
export { f0Predictor } from "./models/f0-predictor.ts";
export { type FlowEncoderInputs, flowEncoder } from "./models/flow-encoder.ts";
export { eulerSteps, flowContext, velocity } from "./models/flow-matching.ts";
export { hift, samplesPerFrame } from "./models/hift.ts";
export { quantize, standardize } from "./models/quantizer.ts";
export {
  crossAttentionCache,
  type DecoderAttention,
  type DecoderOptions,
  decoderLayer,
  type WhisperConfig,
  whisperDecoder,
  whisperEncoder,
} from "./models/whisper-decoder.ts";
export {
  blockCausalBias,
  convolutionFrontEnd,
  encoderLayer,
  multiHeadAttention,
  paddingBias,
  strideMask,
} from "./models/whisper-encoder.ts";
export { type WhisperVqConfig, type WhisperVqOptions, whisperVq } from "./models/whisper-vq.ts";
export { joinHeads, splitHeads } from "./nn/attention.ts";
export { conv1d } from "./nn/convolution.ts";
export { linear } from "./nn/linear.ts";
export { layerNorm } from "./nn/norm.ts";
export type { TrainingOptions } from "./nn/training-options.ts";
export { type PackOptions, packDescriber, quantizeTokenizer } from "./quantize.ts";
export { TorchGenerator } from "./random/torch-generator.ts";
