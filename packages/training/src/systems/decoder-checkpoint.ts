/** What flows and vocoders share on their way from and to checkpoints. */
import type { Runtime } from "@uat/graph";
import type { TensorStore } from "universal-audio-tokenizer/internal";
import { averageFile, type SavedCheckpoint } from "../checkpoint/saved-checkpoint.ts";
import { loadArena } from "../checkpoint/stored-weights.ts";
import { TrainingError } from "../errors.ts";
import type { Collective } from "../loop/collective.ts";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";

export interface DecoderSystemOptions {
  readonly runtime: Runtime;
  readonly collective: Collective;
  /** The configuration's path, for messages. */
  readonly file: string;
  readonly onNote?: ((message: string) => void) | undefined;
}

/** Opens a model's weights in the folder of a checkpoint; `file` is what messages call them. */
export type OpenWeights = (path: string) => Promise<{ readonly store: TensorStore; readonly file: string }>;

/**
 * Fills all parameters: those that were saved beside the model's files, and the others from the model's file.
 * @param open opens the model's file.
 */
export async function restoreWeights(
  saved: SavedCheckpoint,
  parameters: ParameterArena,
  open: OpenWeights,
): Promise<void> {
  const beside = await saved.restoreWeights(parameters);
  const names = parameters.entries.map(({ name }) => name).filter((name) => !beside.has(name));
  if (names.length === 0) return;
  const { store, file } = await open(saved.path);
  try {
    await loadArena(parameters, store, file, names);
  } finally {
    await store.close();
  }
}

/** @throws TrainingError when averages are wanted that were not saved. */
export async function restoreAverage(saved: SavedCheckpoint, average: ParameterArena | undefined): Promise<void> {
  if (!average) return;
  if (!saved.has(averageFile("weights")))
    throw new TrainingError(`${saved.path}: holds no averaged weights; resume with optimizer.ema: null`);
  await saved.restoreAverage("weights", average);
}

/** Says which parameters a checkpoint to start from lacks. */
export const freshNote = (fresh: ReadonlySet<string>): string =>
  `${fresh.size} parameters start from random values, the checkpoint has none (${[...fresh].slice(0, 3).join(", ")}${fresh.size > 3 ? ", …" : ""})`;
