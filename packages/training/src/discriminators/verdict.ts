import type { Tensor } from "@uat/graph";

/** What a discriminator says of sounds. */
export interface Verdict {
  /** One score a place: 1 for true sound, 0 for made-up. */
  readonly score: Tensor;
  /** Outputs of its layers, for feature matching. */
  readonly features: readonly Tensor[];
}
