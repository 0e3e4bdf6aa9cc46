/**
 * The tokeniser's training loss: a decoder that writes transcripts, labels, captions or SAP descriptions from the codes
 * alone (UniAudio-Token, arXiv 2605.31521, section 3), and the quantiser's own.
 */

import type { WhisperConfig } from "@uat/evaluation";
import { type Graph, mulDim, type Scope, symbol, type Tensor } from "@uat/graph";
import { paddingBias, type WhisperVqConfig, whisperVq } from "universal-audio-tokenizer/internal";
import type { Objective } from "../engine/loss-program.ts";
import { teacherForcing } from "../models/teacher-forcing.ts";
import { agreementLoss } from "./agreement.ts";
import type { Dropout } from "./dropout.ts";
import type { Head, HeadInputs } from "./heads/head.ts";
import { maskedMean, validPositions } from "./masked.ts";
import { type QuantizerLossConfig, quantizerLoss, straightThrough } from "./quantizer-loss.ts";

export type TokenizerConfig = WhisperVqConfig & WhisperConfig & QuantizerLossConfig;

export interface TokenizerObjectiveOptions {
  /** Weight of the text's cross-entropy; with 0 there is no decoder. 1 by default. */
  readonly textWeight?: number | undefined;
  /** Absent in evaluation: then the quantiser's loss is only told, not part of the loss. */
  readonly training?:
    | {
        readonly dropout: Dropout;
        /** Shares of values dropped. */
        readonly rates: { readonly layer: number; readonly adapter: number };
        /** Layers are computed twice instead of kept. */
        readonly recompute: boolean;
      }
    | undefined;
  /** Layer whose cached output takes the place of the features. */
  readonly from?: number | undefined;
  /**
   * Weight of {@link agreementLoss}. Then there are its inputs and, where the network takes features, `target_features`
   * as well: what heads foretell.
   */
  readonly agreement?: number | undefined;
  /** Further losses on the codes. */
  readonly heads?: ((inputs: HeadInputs) => readonly Head[]) | undefined;
}

/**
 * Inputs: those of whisperVq, `decoder_input_ids` int32 [batch, length] and `labels` int32 [batch, length], −100 where
 * ignored. Outputs `searched` [batch, tokens, d] and `codes` int64 [batch, tokens]; in
 * evaluation also `hidden` [batch, tokens, d], what the decoder is told.
 */
export function tokenizerObjective(
  graph: Graph,
  p: Scope,
  c: TokenizerConfig,
  { textWeight = 1, training, from, agreement = 0, heads }: TokenizerObjectiveOptions = {},
): Objective {
  const drop = training && ((x: Tensor, rate: number) => training.dropout.apply(graph, x, rate));
  const layer = training?.recompute ? (body: () => Tensor) => graph.recompute(body) : undefined;
  const taps = whisperVq(graph, p.at("model", "encoder"), c, {
    depth: "hidden",
    bottleneck: straightThrough,
    dropout: drop && ((x, place) => drop(x, training.rates[place])),
    layer,
    from,
  }) as Record<"encoder_out" | "token_mask" | "searched" | "quantized" | "codes" | "distances", Tensor> & {
    gate?: Tensor;
  };
  const valid = validPositions(taps.token_mask);
  const textLoss = () => {
    const shape = [symbol("batch"), symbol("length")];
    const ids = graph.input("decoder_input_ids", shape, "int32");
    const labels = graph.input("labels", shape, "int32");
    const { states, embedding } = teacherForcing(taps.encoder_out, ids, p.at("model", "decoder"), c, {
      sourceBias: paddingBias(taps.token_mask),
      dropout: drop && ((x) => drop(x, training.rates.layer)),
      layer,
    });
    const { losses, correct } = states.linearCrossEntropy(embedding, labels);
    const counted = labels
      .less(graph.constant(Int32Array.of(0)))
      .where(0, 1)
      .sum([0, 1])
      .clamp(1);
    return { loss: losses.sum([0, 1]).div(counted), accuracy: correct.sum([0, 1]).div(counted) };
  };
  const quantizer = quantizerLoss(taps.searched, taps.quantized, valid, c);
  const metrics: Record<string, Tensor> = { quantizer_loss: quantizer };
  if (taps.gate) metrics.gamma = maskedMean(taps.gate.abs(), valid);

  let loss = graph.constant(0);
  if (textWeight > 0) {
    const text = textLoss();
    loss = text.loss.mul(textWeight);
    metrics.text_loss = text.loss;
    metrics.token_accuracy = text.accuracy;
  }
  if (training && c.use_commit_loss) loss = loss.add(quantizer);
  if (agreement > 0) {
    const copies = agreementLoss(p.at("model", "encoder"), taps, c.quantize_vocab_size as number, valid);
    metrics.agreement_loss = copies.loss;
    metrics.agreement = copies.same;
    loss = loss.add(copies.loss.mul(agreement));
  }
  const framesPerToken = 2 * (c.pooling_kernel_size ?? 1);
  const input = (name: string) => graph.inputs.find((t) => t.name === name);
  const headInputs: HeadInputs = {
    graph,
    p,
    codes: straightThrough(taps.searched, taps.quantized),
    hidden: taps.encoder_out,
    valid,
    attentionMask: input("attention_mask") as Tensor,
    framesPerToken,
    features: () => {
      const name = agreement > 0 && from === undefined ? "target_features" : "input_features";
      return (
        input(name) ?? graph.input(name, [symbol("batch"), c.num_mel_bins, mulDim(symbol("tokens"), framesPerToken)])
      );
    },
  };
  for (const head of heads?.(headInputs) ?? []) {
    loss = loss.add(head.loss.mul(head.weight));
    metrics[`${head.name}_loss`] = head.loss;
    for (const [name, value] of Object.entries(head.metrics ?? {})) metrics[`${head.name}_${name}`] = value;
  }
  const evaluated = training ? {} : { hidden: taps.encoder_out };
  return { loss, metrics, outputs: { searched: taps.searched, codes: taps.codes, ...evaluated } };
}
