/** Codes that stay the same when the sound is changed. */
import { type Scope, symbol, type Tensor } from "@uat/graph";
import type { Positions } from "./masked.ts";

/** Inputs int32 [pairs]: rows of the changed copies, and of the clips they are copies of. */
export const COPIES = "copies";
export const ORIGINALS = "originals";

/**
 * A code whose squared distance is greater by this share of the mean squared distance between frames and their codes is e
 * times less likely: sharp enough that only what could change codes is rewarded.
 */
const TEMPERATURE = 0.1;

export interface Quantized {
  /** [batch, tokens, d] */
  readonly searched: Tensor;
  /** int64 [batch, tokens] */
  readonly codes: Tensor;
  /** Squared distances to the nearest codes [batch, tokens, 2]. */
  readonly distances: Tensor;
}

/**
 * Cross-entropy, in nats a token, of an original's codes under what its copy's states say of all codes, by their squared
 * distances (Gat et al., 2022, arXiv 2209.15483, "Augmentation invariant discrete representation": units of changed
 * speech are taught those of the speech itself). A squared distance of the states would do as well by shrinking them all.
 * `same` is the share of the copies' tokens that have their original's code.
 * @param size number of codes.
 */
export function agreementLoss(
  encoder: Scope,
  { searched, codes, distances }: Quantized,
  size: number,
  valid: Positions,
): { loss: Tensor; same: Tensor } {
  const { graph } = searched;
  const codebook = encoder
    .at("codebook")
    .tensor("weight", [size, searched.dim(2) as number])
    .detach();
  const rows = (name: string) => graph.input(name, [symbol("pairs")], "int32");
  const copies = rows(COPIES);
  const own = distances.slice(2, 0, 1).mul(valid.mask.unsqueeze(2)).sum([0, 1, 2]).div(valid.count);
  const scale = own.mul(TEMPERATURE).detach();

  // −‖x − c‖² / scale but for ‖x‖², which all codes have in common
  const table = codebook.mul(2).concat(1, codebook.sumSquares(1).mul(-1).unsqueeze(1)).div(scale);
  const states = searched.gather(copies);
  const one = states.slice(2, 0, 1).mul(0).add(1);
  const mask = valid.mask.gather(copies);
  const labels = codes.gather(rows(ORIGINALS)).cast("int32");
  const { losses, correct } = states.concat(2, one).linearCrossEntropy(table, labels);
  const count = mask.sum([0, 1]).clamp(1);
  const mean = (values: Tensor) => values.mul(mask).sum([0, 1]).div(count);
  return { loss: mean(losses), same: mean(correct) };
}
