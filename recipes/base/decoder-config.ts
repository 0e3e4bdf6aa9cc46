/** The geometry of models/base/decoder, as in `model.config` of a run's configuration. */
export const DECODER_FIELDS = {
  flow: {
    vocab_size: 8192,
    // the width of the codebook, which the token embedding starts as
    input_size: 512,
    input_frame_rate: 25,
    encoder: { output_size: 256, attention_heads: 4, linear_units: 1024, num_blocks: 3 },
    decoder: {
      cfm_params: { training_cfg_rate: 0, inference_cfg_rate: 0, reg_loss_type: "l1", prior_deviation: 0.3 },
      estimator: { channels: [160, 160], attention_head_dim: 40, num_heads: 4, n_blocks: 1, num_mid_blocks: 4 },
    },
  },
  hift: {
    base_channels: 320,
    nb_harmonics: 0,
    nsf_sigma: 0.01,
    source_filter: true,
    upsample_rates: [2],
    upsample_kernel_sizes: [4],
    istft_params: { n_fft: 512, hop_len: 128 },
    resblock_kernel_sizes: [3, 7],
    resblock_dilation_sizes: [
      [1, 3, 5],
      [1, 3, 5],
    ],
    source_resblock_kernel_sizes: [3],
    source_resblock_dilation_sizes: [[1, 3, 5]],
    f0_predictor: { cond_channels: 192 },
  },
} as const;
