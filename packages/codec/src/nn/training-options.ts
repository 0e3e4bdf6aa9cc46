import type { Tensor } from "@uat/graph";

/** What training adds to a network. */
export interface TrainingOptions {
  /** Zeroes a share of the values. */
  readonly dropout?: ((x: Tensor, rate: number) => Tensor) | undefined;
  /** Makes one layer, which training may want computed twice to save memory. */
  readonly layer?: ((body: () => Tensor) => Tensor) | undefined;
}
