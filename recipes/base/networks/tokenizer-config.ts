import { parseWhisperVqConfig, type WhisperVqConfig } from "universal-audio-tokenizer/internal";

export const CODEBOOK_SIZE = 8192;

/** Layers of Whisper base that stay as they are, at 50 Hz; what comes after them runs at 25 Hz and is trained. */
export const FROZEN_LAYERS = 4;

/** Fields of the tokeniser's config.json while it is trained. */
export const TOKENIZER_CONFIG = {
  model_type: "whisper",
  d_model: 512,
  encoder_attention_heads: 8,
  encoder_ffn_dim: 2048,
  // Whisper's six: the fifth at 25 Hz before the quantiser, the sixth after it
  encoder_layers: 6,
  decoder_attention_heads: 8,
  decoder_ffn_dim: 2048,
  decoder_layers: 6,
  num_mel_bins: 80,
  max_source_positions: 1500,
  max_target_positions: 448,
  activation_function: "gelu",
  pooling_kernel_size: 2,
  pooling_type: "avg",
  pooling_position: FROZEN_LAYERS,
  encoder_residual_source_position: 2,
  encoder_residual_target_position: 5,
  use_residual_adapter: true,
  use_residual_gate: true,
  quantize_vocab_size: CODEBOOK_SIZE,
  quantize_position: 5,
  quantize_ema_decay: 0.98,
  quantize_restart_interval: 200,
  quantize_commit_coefficient: 0.25,
  quantize_loss_scale: 4,
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
