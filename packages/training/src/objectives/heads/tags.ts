/** Sound-event classes of a clip, any number of which may be heard. */
import type { Tensor } from "@uat/graph";
import { layerNorm, linear } from "universal-audio-tokenizer/internal";
import type { Positions } from "../masked.ts";
import { type Head, type HeadInputs, headScope } from "./head.ts";

/** Input float32 [batch, classes]: 1 for a class that is heard, 0 for the others; −1 in a row of which nothing is known. */
export const TAGS = "tags";

/** Logit of padding. */
const UNHEARD = -1e4;

/**
 * Each token gets logits by layer norm and a linear layer; a clip's logit is the log of the mean of their exponentials
 * over its real tokens (Pinheiro & Collobert, 2015, arXiv 1411.6228, section 3.2). Most events are short: in a plain
 * mean a bark of a second among thirty could not be heard, and a maximum would teach only one token at a time.
 *
 * The loss is the binary cross-entropy, mean over classes and over rows whose classes are known. Metric `top`: the share
 * of those rows whose likeliest class is one of theirs.
 */
export function tagsHead(inputs: HeadInputs, { weight, classes }: { weight: number; classes: number }): Head {
  const { graph, codes, valid } = inputs;
  const p = headScope(inputs, "tags");
  const tags = graph.input(TAGS, [codes.dim(0), classes]);
  const logits = clipLogits(linear(layerNorm(codes, p.at("layer_norm")), p.at("linear"), classes), valid);

  const known = tags
    .slice(1, 0, 1)
    .less(0)
    .where(0, 1)
    .reshape([codes.dim(0)]);
  const rows = known.sum(0).clamp(1);
  const heard = tags.clamp(0);
  const losses = logits.softplus().sub(logits.mul(heard)).mean(1);
  const likeliest = logits.less(logits.max(1, true)).where(0, heard).max(1);
  return {
    name: "tags",
    weight,
    loss: losses.mul(known).sum(0).div(rows),
    metrics: { top: likeliest.mul(known).sum(0).div(rows) },
  };
}

/** Logits of tokens [batch, tokens, classes] → those of clips [batch, classes], as {@link tagsHead} says. */
export function clipLogits(tokens: Tensor, valid: Positions): Tensor {
  const padding = valid.mask.unsqueeze(2).less(0.5);
  const each = padding.where(UNHEARD, tokens);
  const peak = each.max(1, true).detach();
  const count = valid.mask.sum(1, true).clamp(1);
  return each
    .sub(peak)
    .exp()
    .sum(1)
    .div(count)
    .log()
    .add(peak.reshape([tokens.dim(0), tokens.dim(2)]));
}
