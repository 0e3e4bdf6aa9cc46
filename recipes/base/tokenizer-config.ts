import { parseWhisperVqConfig, type WhisperVqConfig } from "universal-audio-tokenizer/internal";

export const CODEBOOK_SIZE = 8192;

/** Fields of models/base/tokenizer/config.json. */
export const TOKENIZER_CONFIG = {
  architectures: ["WhisperVQEncoder"],
  model_type: "whisper",
  d_model: 512,
  encoder_attention_heads: 8,
  encoder_ffn_dim: 2048,
  encoder_layers: 6,
  decoder_attention_heads: 8,
  decoder_ffn_dim: 2048,
  decoder_layers: 6,
  num_mel_bins: 80,
  max_source_positions: 1500,
  max_target_positions: 448,
  vocab_size: 51865,
  activation_function: "gelu",
  pooling_kernel_size: 2,
  pooling_type: "avg",
  pooling_position: 4,
  quantize_vocab_size: CODEBOOK_SIZE,
  quantize_position: 4,
  quantize_encoder_only: true,
  quantize_normalization: "zscore",
  // int8 in these moves more codes than the rest together: measured one by one on held-out audio, see docs/benchmarks.md
  modules_to_not_convert: ["layers.0", "layers.1"],
  torch_dtype: "float16",
};

export const PREPROCESSOR_CONFIG = {
  feature_extractor_type: "WhisperFeatureExtractor",
  feature_size: 80,
  hop_length: 160,
  n_fft: 400,
  sampling_rate: 16000,
  chunk_length: 30,
  n_samples: 480000,
  nb_max_frames: 3000,
  padding_side: "right",
  padding_value: 0.0,
  return_attention_mask: false,
};

export const tokenizerConfig = (): WhisperVqConfig => parseWhisperVqConfig(TOKENIZER_CONFIG);
