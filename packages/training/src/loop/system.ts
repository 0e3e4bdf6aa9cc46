/** What the training loop knows of the thing it trains. */
import type { CheckpointContent } from "../checkpoint/checkpoint-folder.ts";
import type { SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import type { Collate } from "../data/collate.ts";
import type { Example } from "../data/example.ts";
import type { Batch } from "../data/loader.ts";
import type { PreparationSettings, PreparedClip } from "../data/prepare.ts";
import type { Sample } from "../report/samples.ts";

/** Numbers of a step or an evaluation, by name; `loss` is among them. */
export type Metrics = Readonly<Record<string, number>>;

/** How clips become a batch of a system. */
export interface BatchRecipe {
  readonly prepare: PreparationSettings;
  readonly collate: Collate;
  /** Clips that need no preparation: see the loader. */
  readonly known?: ((example: Example) => Promise<PreparedClip | undefined>) | undefined;
}

/** A model with its losses, optimisers and random draws. */
export interface TrainingSystem {
  /** For the report: counts of parameters and the like. */
  readonly facts: Readonly<Record<string, string | number>>;
  readonly training: BatchRecipe;
  /** Without random changes. */
  readonly validation: BatchRecipe;
  /**
   * One update from one or more batches whose gradients are averaged.
   * @throws NonFiniteError when a loss or gradient is not a number, in any process; the weights are as they were.
   */
  step(batches: readonly Batch[]): Promise<Metrics>;
  /** Means over the batches, with averaged weights where there are any. A few samples go to `onSample`. */
  evaluate(batches: AsyncIterable<Batch>, onSample: (sample: SampleOfStep) => void): Promise<Metrics>;
  /** What a checkpoint holds of it. */
  checkpoint(): Omit<CheckpointContent, "state"> & { readonly system: unknown };
  /** Goes back to a checkpoint of the same configuration. */
  restore(saved: SavedCheckpoint): Promise<void>;
  dispose(): Promise<void>;
}

/** A sample whose step the loop fills in. */
export type SampleOfStep = Sample extends infer S ? (S extends Sample ? Omit<S, "step"> : never) : never;

/** A loss or gradients that are not numbers: training on would ruin the weights. All processes of a run throw it, or none. */
export class NonFiniteError extends Error {
  override readonly name = "NonFiniteError";
  /** Of this process's own batches. */
  readonly loss: number;

  constructor(loss: number, message: string) {
    super(message);
    this.loss = loss;
  }
}
