/**
 * What models are taught by: `objectives` of a run's configuration. What belongs to the model's own configuration stays
 * there: the quantiser's loss, the flow's `reg_loss_type` and `training_cfg_rate`.
 */
import { z } from "zod";
import { timelessAugmentationSchema } from "../augment/augment.ts";
import { MULTI_PERIOD } from "../discriminators/multi-period.ts";
import { MULTI_RESOLUTION } from "../discriminators/multi-resolution.ts";
import { FEATURE_WEIGHT, MEL_WEIGHT, STFT_RESOLUTIONS } from "../objectives/vocoder.ts";
import { UNIT_KINDS } from "../tasks/units.ts";
import { amount, block, count, filled, oneOf, share, size, sizes, text, texts } from "./fields.ts";

const weight = (fallback: number) => amount.default(fallback);
const vocabulary = texts.min(1, "expected at least one").nullable().default(null);

export const tokenizerObjectives = filled({
  tokens: weight(1).describe("weight of the decoder's cross-entropy; 0: no decoder"),
  distill: block({
    teacher: text.describe("a Whisper whose encoder's last states are to be foretold: a directory or hub id"),
    weight: weight(1).describe("weight of the mean squared error"),
  })
    .nullable()
    .default(null)
    .describe("distillation towards a frozen Whisper"),
  ctc: block({
    from: oneOf(["codes", "hidden"])
      .default("codes")
      .describe("written by each code alone, or by the encoder's last states; codes are taught either way"),
    units: oneOf(UNIT_KINDS).default("characters").describe("of the text, or phonemes of a column"),
    weight: weight(1).describe("weight of the loss"),
    vocabulary: vocabulary.describe("the units; null: those of the training rows"),
  })
    .nullable()
    .default(null)
    .describe("connectionist temporal classification by a head"),
  tags: block({
    weight: weight(1).describe("weight of the binary cross-entropy"),
    vocabulary: vocabulary.describe("the classes; null: those of the training rows"),
  })
    .nullable()
    .default(null)
    .describe("sound-event classes by a head on the codes"),
  frames: filled({
    from: oneOf(["codes", "hidden"])
      .default("codes")
      .describe("foretold from the token's code alone, or from the encoder's last state, which knows those around it"),
    log_mel: weight(0).describe("weight of the log-mel's error"),
    energy: weight(0).describe("weight of the energy's error"),
    pitch: weight(0).describe("weight of the pitch's error"),
  }).describe("values of each frame, foretold from its token"),
  agreement: block({
    weight: weight(1).describe("weight of the cross-entropy of the original's codes by the copy's states"),
    changes: timelessAugmentationSchema.describe("what is changed in copies, as `data.augment` but for speed"),
  })
    .nullable()
    .default(null)
    .describe(
      "each clip comes twice, once changed: the copy is to have the codes of its original, and the same labels",
    ),
});

export const flowObjectives = filled({
  flow: weight(1).describe("weight of the flow-matching loss; 0: the encoder alone is trained, by `prior`"),
  prior: weight(0).describe("weight of the squared error of what the encoder foretells as a mel itself (Grad-TTS)"),
  crop_tokens: size.default(50).describe("most tokens of a clip in a batch; longer clips are cropped at random"),
});

export const acousticObjectives = filled({
  mel: weight(1).describe("weight of the mean absolute error of log-mels"),
  pitch: weight(1).describe("weight of the pitch's error in octaves, over voiced frames"),
  voicing: weight(0.3).describe("weight of the binary cross-entropy of being voiced"),
  floor: z
    .number("expected a number")
    .default(-8)
    .describe("log-mel (natural logarithm) under which all counts as silence"),
  crop_tokens: size.default(100).describe("most tokens of a clip in a batch; longer clips are cropped at random"),
});

export const readerObjectives = filled({
  characters: weight(1).describe("weight of connectionist temporal classification over the characters of what is said"),
  labels: weight(0.05).describe("weight of the labels' binary cross-entropies, added up"),
  hidden_share: share.default(0.06).describe("share of tokens that are hidden, each alone"),
  hidden_stretch: count.default(8).describe("most tokens of each of two hidden stretches"),
});

const resolution = block({
  size: size.describe("samples of the transform"),
  hop: size.describe("samples between frames"),
  window: size.describe("samples under the window"),
});
const resolutions = z.array(resolution, "expected a list of resolutions").min(1, "expected at least one resolution");

export const vocoderObjectives = filled({
  mels: oneOf(["sound", "codes"])
    .default("sound")
    .describe(
      "what sound is made of: its own mel, or what the model's flow or acoustic model foretells from the clip's codes",
    ),
  segment_frames: size.default(32).describe("mel frames of a crop (256 samples each)"),
  mel: weight(MEL_WEIGHT).describe("weight of the log-mel distance"),
  stft: weight(1).describe("weight of the multi-resolution STFT loss"),
  stft_resolutions: resolutions.default([...STFT_RESOLUTIONS]).describe("its resolutions"),
  f0: weight(1).describe("weight of the pitch predictor's error, in units of 100 Hz"),
  adversarial: block({
    start_step: count.default(0).describe("step from which discriminators take part"),
    weight: weight(1).describe("weight of what they say of the vocoder's sound"),
    feature_matching: weight(FEATURE_WEIGHT).describe("weight of the distance of what they see on the way"),
    periods: sizes.default([...MULTI_PERIOD.periods]).describe("of the multi-period discriminator"),
    period_channels: sizes.default([...MULTI_PERIOD.channels]).describe("widths of its layers"),
    resolutions: resolutions.default([...MULTI_RESOLUTION.resolutions]).describe("of the multi-resolution one"),
    resolution_channels: size.default(MULTI_RESOLUTION.channels).describe("width of its layers"),
  })
    .nullable()
    .default(null)
    .describe("discriminators; null: spectra alone"),
});
