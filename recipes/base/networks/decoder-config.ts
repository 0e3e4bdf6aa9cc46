/** The geometry of models/base/decoder, as in `model.config` of a run's configuration. */
export const DECODER_FIELDS = {
  acoustic: {
    vocab_size: 8192,
    input_frame_rate: 25,
    // the width of the codebook, which the token embedding starts as
    input_size: 512,
    hidden_size: 256,
    num_blocks: 4,
    attention_heads: 4,
    filter_size: 512,
    kernel_size: 5,
    subframes: 4,
    subframe_size: 160,
    dropout_rate: 0.1,
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
