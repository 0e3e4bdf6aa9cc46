/** The geometry of models/base/decoder, as in `model.config` of a run's configuration. */
export const DECODER_FIELDS = {
  flow: {
    vocab_size: 8192,
    // the width of the codebook, which the token embedding starts as
    input_size: 512,
    input_frame_rate: 25,
    encoder: { output_size: 256, attention_heads: 4, linear_units: 1024, num_blocks: 3 },
    decoder: {
      cfm_params: { training_cfg_rate: 0.2, inference_cfg_rate: 0.7, reg_loss_type: "l1" },
      estimator: { channels: [160, 160], attention_head_dim: 40, num_heads: 4, n_blocks: 1, num_mid_blocks: 4 },
    },
  },
  hift: {
    base_channels: 192,
    upsample_rates: [8, 8],
    upsample_kernel_sizes: [16, 16],
    istft_params: { n_fft: 16, hop_len: 4 },
    resblock_kernel_sizes: [3, 7, 11],
    resblock_dilation_sizes: [
      [1, 3, 5],
      [1, 3, 5],
      [1, 3, 5],
    ],
    source_resblock_kernel_sizes: [7, 11],
    source_resblock_dilation_sizes: [
      [1, 3, 5],
      [1, 3, 5],
    ],
    f0_predictor: { cond_channels: 192 },
  },
} as const;
