/**
 * Audio files to samples to mel features, and samples back to files. Runs in Node and in browsers; knows nothing of
 * networks. Order of use: {@link loadSpeechSamples} → {@link whisperFeatures} → (networks) → {@link encodeWav}.
 */

export { type AudioStream, checkSampleRate, MAX_CHANNELS, MAX_SAMPLE_RATE, MIN_SAMPLE_RATE } from "./audio-stream.ts";
export {
  type AudioFormat,
  type AudioSink,
  type AudioWriter,
  audioMediaType,
} from "./audio-writer.ts";
export { type ByteSource, blobSource, memorySource } from "./byte-source.ts";
export { type Channel, checkChannel, parseChannel, pickChannel } from "./channel.ts";
export {
  DECODER_HOP_LENGTH,
  DECODER_MAX_HZ,
  DECODER_MELS,
  DECODER_N_FFT,
  DECODER_SAMPLE_RATE,
  decoderMel,
  decoderMelFilters,
} from "./decoder-mel.ts";
export { bandLimit, muLaw, quantizeBits, telephone } from "./effects/channel.ts";
export { gain, limited, mix, type NoiseColour, noise } from "./effects/noise.ts";
export { AudioError } from "./errors.ts";
export { Fft } from "./fft.ts";
export { FlacWriter } from "./flac-writer.ts";
export { energy, level, peak, type Span, scaled } from "./levels.ts";
export { hzToMel, type MelFilters, melFilters, melToHz } from "./mel-filters.ts";
export { type Container, decodeAudio, detectContainer, openAudio } from "./open-audio.ts";
export { frameEnergy } from "./pitch/frame-energy.ts";
export { type PitchOptions, trackPitch } from "./pitch/track-pitch.ts";
export { Random } from "./random.ts";
export { Resampler, resample, resampledLength } from "./resample.ts";
export {
  checkFinite,
  loadSpeechSamples,
  type SpeechOptions,
  type SpeechSamples,
  speechBlocks,
  speechFromChannels,
} from "./speech-samples.ts";
export { forEachPowerSpectrum, hannWindow, reflectPad } from "./stft.ts";
export { encodeWav, interleave, type WavEncoding, WavWriter, wavHeader } from "./wav-writer.ts";
export {
  type MelFeatures,
  paddedLength,
  padWithZeros,
  WHISPER_HOP_LENGTH,
  WHISPER_N_FFT,
  WHISPER_SAMPLE_RATE,
  whisperFeatures,
  whisperFrameCount,
} from "./whisper-features.ts";
