/** The acoustic model as a network to be trained. */
import { type AcousticConfig, melFrames } from "universal-audio-tokenizer/internal";
import { type AcousticLossOptions, acousticInputs, acousticLoss } from "../objectives/acoustic.ts";
import { type AcousticBatch, acousticStepInputs } from "../objectives/acoustic-batch.ts";
import { type AskedParameter, askedParameters } from "./initial-weights.ts";
import type { TrainedNetwork } from "./network-training.ts";

/** Weights of the losses, as {@link acousticLoss} takes them. */
export type AcousticWeights = Pick<AcousticLossOptions, "mel" | "pitch" | "voicing" | "floor">;

const ALL: AcousticWeights = { mel: 1, pitch: 1, voicing: 1, floor: -8 };

/** The parameters of an acoustic model. */
export const acousticParameters = (config: AcousticConfig): AskedParameter[] =>
  askedParameters((g, p) => acousticLoss(acousticInputs(g, config), p, config, ALL));

export const acousticNetwork = (config: AcousticConfig, weights: AcousticWeights): TrainedNetwork<AcousticBatch> => ({
  name: "acoustic",
  loss: (graph, p, options) => acousticLoss(acousticInputs(graph, config), p, config, { ...weights, ...options }),
  inputs: (batch) => acousticStepInputs(batch, config),
  lastBias: "output.bias",
  mean: ({ mel, lengths, frames }) => {
    const mels = config.output_size;
    // behind the mel come pitch and voicing
    const values = new Float32Array(mels + 2);
    const real = Array.from(lengths, (length) => melFrames(length, config.input_frame_rate));
    const count = real.reduce((a, b) => a + b, 0);
    for (const [item, n] of real.entries())
      for (let i = item * frames * mels; i < (item * frames + n) * mels; i++)
        values[i % mels]! += Math.max(mel[i]!, weights.floor) / count;
    return values;
  },
});
