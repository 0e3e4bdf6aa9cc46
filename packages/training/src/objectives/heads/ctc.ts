/**
 * Characters or phonemes written by each code itself, or by the encoder's last state, which knows those around it: in
 * order but at no given times (Graves et al., 2006).
 */
import { addDim, type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { layerNorm, linear } from "universal-audio-tokenizer/internal";
import type { Positions } from "../masked.ts";
import { type Head, type HeadInputs, headScope } from "./head.ts";

/** Input int32 [batch, length]: numbers of the units from 1 on, −1 after them; a row without a label is all −1. */
export const CTC_LABELS = "ctc_labels";

/** Layer norm and a linear layer: states [batch, tokens, d] → logits [batch, tokens, units], 0 being the blank. */
export const ctcLogits = (states: Tensor, p: Scope, units: number): Tensor =>
  linear(layerNorm(states, p.at("layer_norm")), p.at("linear"), units);

/**
 * The loss is in nats a unit, as PyTorch's mean: the
 * mean, over rows with a label, of each row's loss by the length of its label; a label that does not fit counts as 0.
 * Metric `too_long`: the share of labels that do not fit into their tokens.
 */
export function ctcHead(
  inputs: HeadInputs,
  { weight, units, from }: { weight: number; units: number; from: "codes" | "hidden" },
): Head {
  const { graph, valid } = inputs;
  const states = inputs[from];
  const labels = graph.input(CTC_LABELS, [states.dim(0), symbol("ctc_length")], "int32");
  const logits = ctcLogits(states, headScope(inputs, "ctc"), units);
  const { loss, tooLong } = ctcLossOf(graph, logits, labels, valid);
  return { name: "ctc", weight, loss, metrics: { too_long: tooLong } };
}

/** The loss of {@link ctcHead} for logits [batch, tokens, units] and labels as of {@link CTC_LABELS}. */
export function ctcLossOf(
  graph: Graph,
  logits: Tensor,
  labels: Tensor,
  valid: Positions,
): { loss: Tensor; tooLong: Tensor } {
  const tokens = valid.mask.sum(1);
  const losses = logits.ctcLoss(labels, tokens.cast("int32"));
  const isUnit = labels.less(graph.constant(Int32Array.of(0))).where(0, 1);
  const lengths = isUnit.sum(1);
  const labelled = lengths.clamp(undefined, 1);
  const rows = labelled.sum(0).clamp(1);
  return {
    loss: losses.mul(labelled).div(lengths.clamp(1)).sum(0).div(rows),
    tooLong: tokens
      .less(lengths.add(repetitions(labels, isUnit)))
      .where(1, 0)
      .sum(0)
      .div(rows),
  };
}

/** How often a unit follows itself, which takes a blank between them: [batch]. */
function repetitions(labels: Tensor, isUnit: Tensor): Tensor {
  const length = labels.dim(1);
  const next = labels.pad(1, 0, 1).slice(1, 1, addDim(length, 1));
  return labels.less(next).where(0, next.less(labels).where(0, isUnit)).sum(1);
}
