/** What a reader is taught by: the words of a clip in order, and the labels that are true of it. */
import { type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { type CodesReaderConfig, codesReader, type TrainingOptions } from "universal-audio-tokenizer/internal";
import type { Objective } from "../engine/loss-program.ts";
import { ctcLossOf } from "./heads/ctc.ts";
import { clipLogits } from "./heads/tags.ts";
import { validPositions } from "./masked.ts";

/** What a training step is fed. */
export interface ReaderInputs {
  /** int32 [batch, N] */
  readonly tokens: Tensor;
  /** int32 [batch, N]: 1, or 0 behind the last token. */
  readonly mask: Tensor;
  /** [batch, N]: 0 at tokens that are hidden. */
  readonly seen: Tensor;
  /** int32 [batch, length]: numbers of the characters from 1 on, −1 after them; a row without words is all −1. */
  readonly characters: Tensor;
  /** [batch, labels]: 1 for what is true, 0 for what is not; −1 where nothing is known. */
  readonly labels: Tensor;
}

/** Declares {@link ReaderInputs} under their own names, of any batch and any numbers of tokens and characters. */
export function readerInputs(graph: Graph, c: CodesReaderConfig): ReaderInputs {
  const [batch, n] = [symbol("batch"), symbol("tokens")];
  return {
    tokens: graph.input("tokens", [batch, n], "int32"),
    mask: graph.input("mask", [batch, n], "int32"),
    seen: graph.input("seen", [batch, n]),
    characters: graph.input("characters", [batch, symbol("length")], "int32"),
    labels: graph.input("labels", [batch, c.labels.length]),
  };
}

export interface ReaderLossOptions extends TrainingOptions {
  /** Weights of the losses. */
  readonly characters: number;
  readonly labels: number;
}

/**
 * `characters`: CTC in nats a character, mean over rows with words; `labels`: the binary cross-entropies of a clip's
 * known labels added up, mean over clips. A clip's logit is the log of the mean of its tokens' exponentials.
 */
export function readerLoss(
  graph: Graph,
  inputs: ReaderInputs,
  p: Scope,
  c: CodesReaderConfig,
  options: ReaderLossOptions,
): Objective {
  const { tokens, mask, seen } = inputs;
  const logits = codesReader(tokens, p, c, { ...options, mask, seen });
  const valid = validPositions(mask);
  const { loss: characters, tooLong } = ctcLossOf(graph, logits.characters, inputs.characters, valid);
  const clip = clipLogits(logits.labels, valid);
  const known = inputs.labels.less(0).where(0, 1);
  const truth = inputs.labels.clamp(0);
  const labels = clip.softplus().sub(clip.mul(truth)).mul(known).sum(1).mean(0);
  return {
    loss: characters.mul(options.characters).add(labels.mul(options.labels)),
    metrics: { characters, labels, too_long: tooLong },
  };
}
