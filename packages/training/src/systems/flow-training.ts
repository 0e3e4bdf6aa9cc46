/** The flow as a network to be trained. */
import type { FlowConfig } from "universal-audio-tokenizer/internal";
import { type FlowLossOptions, flowInputs, flowLoss } from "../objectives/flow.ts";
import { type FlowBatch, flowStepInputs } from "../objectives/flow-batch.ts";
import { type AskedParameter, askedParameters } from "./initial-weights.ts";
import type { TrainedNetwork } from "./network-training.ts";

/** The parameters of a flow. */
export const flowParameters = (config: FlowConfig): AskedParameter[] =>
  askedParameters((g, p) => flowLoss(flowInputs(g, config), p, config));

/** @param weights of the losses, as {@link flowLoss} takes them. */
export const flowNetwork = (
  config: FlowConfig,
  weights: Pick<FlowLossOptions, "flow" | "prior"> = {},
): TrainedNetwork<FlowBatch> => ({
  name: "flow",
  loss: (graph, p, options) => flowLoss(flowInputs(graph, config), p, config, { ...weights, ...options }),
  inputs: (batch, random) => flowStepInputs(batch, config, random),
  lastBias: "decoder.estimator.final_proj.bias",
  // the mean mel is the mean velocity: that of the noise is 0
  mean: ({ mel, size, frames }) => {
    const values = new Float32Array(config.output_size);
    for (const [i, value] of mel.entries()) values[Math.floor(i / frames) % values.length]! += value / (size * frames);
    return values;
  },
});
