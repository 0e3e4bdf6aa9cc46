/**
 * Codes → what they say: characters by connectionist temporal classification (Graves et al., 2006) and labels of speaker
 * and sounds, from one stack of feed-forward transformer blocks (FastSpeech 2) at the rate of the codes. A text decoder
 * has to learn where to listen before it learns anything else; this network is told by the alignment, and a hundred
 * times cheaper to train and to run.
 */
import { type Graph, type Scope, symbol, type Tensor } from "@uat/graph";
import { linear } from "../nn/linear.ts";
import { layerNorm } from "../nn/norm.ts";
import { type CodesTrunkConfig, type CodesTrunkOptions, codesTrunk } from "./codes-trunk.ts";

/** The fields of a reader's config.json that shape the network. */
export interface CodesReaderConfig extends CodesTrunkConfig {
  /** The units of CTC but for the blank, which is number 0; unit i has number i + 1. */
  readonly characters: readonly string[];
  /** What may be said of a clip: see describe/reader-labels.ts. */
  readonly labels: readonly string[];
}

/** Logits of each token. */
export interface CodesReaderValues {
  /** [batch, N, characters + 1], the first of the blank. */
  readonly characters: Tensor;
  /** [batch, N, labels] */
  readonly labels: Tensor;
}

/** tokens int32 [batch, N] → {@link CodesReaderValues}. */
export function codesReader(
  tokens: Tensor,
  p: Scope,
  c: CodesReaderConfig,
  options: CodesTrunkOptions = {},
): CodesReaderValues {
  const states = layerNorm(codesTrunk(tokens, p, c, options).states, p.at("norm"));
  return {
    characters: linear(states, p.at("characters"), c.characters.length + 1),
    labels: linear(states, p.at("labels"), c.labels.length),
  };
}

/** For reading: input `tokens` int32 [N]; returns {@link CodesReaderValues} of a batch of one. */
export function codesReaderGraph(graph: Graph, p: Scope, c: CodesReaderConfig): Record<string, Tensor> {
  const n = symbol("tokens");
  return { ...codesReader(graph.input("tokens", [n], "int32").reshape([1, n]), p, c) };
}
