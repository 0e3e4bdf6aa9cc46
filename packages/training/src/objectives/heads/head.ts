/** What the further losses on the codes are given, and what they give back. */
import type { Graph, Scope, Tensor } from "@uat/graph";
import type { Positions } from "../masked.ts";

/** A small network with a loss of its own. Its parameters lie below `heads.NAME`. */
export interface Head {
  readonly name: string;
  readonly weight: number;
  /** [] */
  readonly loss: Tensor;
  /** Single values for the log, []. */
  readonly metrics?: Readonly<Record<string, Tensor>> | undefined;
}

export interface HeadInputs {
  readonly graph: Graph;
  /** The root of all parameter names. */
  readonly p: Scope;
  /** What the quantiser passes on [batch, tokens, d]; gradients go past it to the encoder. */
  readonly codes: Tensor;
  /** Last states of the encoder, made of the codes alone [batch, tokens, d]. */
  readonly hidden: Tensor;
  /** Tokens that are not padding. */
  readonly valid: Positions;
  /** 1 where a frame is not padding: int32 [batch, frames], frames = `framesPerToken` · tokens. */
  readonly attentionMask: Tensor;
  readonly framesPerToken: number;
  /**
   * Log-mel [batch, mels, frames] that is to be foretold, of originals also where copies are heard: where cached outputs
   * take their place in the encoder, an input for the heads alone.
   */
  readonly features: () => Tensor;
}

/** The scope of a head's parameters. */
export const headScope = ({ p }: HeadInputs, name: string): Scope => p.at("heads", name);
