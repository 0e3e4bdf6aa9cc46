/**
 * The checkpoints of a run: `checkpoint-N/` for step N, in the layout of the model, with `training/` inside for what only
 * training needs. A checkpoint grows under another name and is renamed when the disk has all of it, so whatever is
 * called `checkpoint-N` is whole; what a killed process has left behind is swept by the next one.
 */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { temporaryFolders } from "@uat/graph";
import { type LazyTensor, writeSafetensorsFile } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import type { AdamW } from "../optimizer/adamw.ts";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";
import { digestFile, type FileDigest, filesBelow, flushFolder, writeDurable } from "./durable-files.ts";
import { writeFailure } from "./file-errors.ts";
import {
  averageFile,
  MANIFEST_FILE,
  momentFiles,
  readCheckpoint,
  type SavedCheckpoint,
  STATE_FILE,
  TRAINING,
  WEIGHTS,
} from "./saved-checkpoint.ts";
import { arenaTensors } from "./stored-weights.ts";
import { stateJson, type TrainingState } from "./training-state.ts";

/** What a checkpoint is made of. */
export interface CheckpointContent {
  readonly state: Omit<TrainingState, "optimizers">;
  /** Writes the model's files, in its official layout, into a folder that exists. */
  writeModel(folder: string): Promise<void>;
  /** By name: one, or one for each of two opponents. */
  readonly optimizers: Readonly<Record<string, AdamW>>;
  /** Averaged weights by name. */
  readonly averages?: Readonly<Record<string, ParameterArena>>;
  /**
   * Parameters that the model's files do not hold bit by bit (stored in half precision, or not part of the layout): kept
   * in float32, so that a resumed run goes on exactly.
   */
  readonly weights?: ReadonlyMap<string, LazyTensor>;
  /** More files `training/NAME.safetensors` of the trained system, e.g. the state of a codebook. */
  readonly tensors?: Readonly<Record<string, ReadonlyMap<string, LazyTensor>>>;
}

export interface CheckpointFolderOptions {
  /** Newest checkpoints that are kept. */
  readonly keep: number;
  /** Checkpoints of steps divisible by this are kept for good. */
  readonly keepEvery?: number | undefined;
  readonly onWarning?: ((message: string) => void) | undefined;
}

const NAME = /^checkpoint-(\d{1,15})$/;
/** `.checkpoint-N.PROCESS-RANDOM.new` while it grows, `.old` while it goes. */
const UNFINISHED = /^\.(checkpoint-\d{1,15})\.(\d+)-[0-9a-f]{8}\.(new|old)$/;

export class CheckpointFolder {
  readonly path: string;
  readonly #options: CheckpointFolderOptions;

  private constructor(path: string, options: CheckpointFolderOptions) {
    this.path = path;
    this.#options = options;
  }

  /**
   * Makes the folder where there is none and sweeps what killed processes have left in it.
   * @throws TrainingError when it cannot be written.
   */
  static async open(path: string, options: CheckpointFolderOptions): Promise<CheckpointFolder> {
    try {
      await mkdir(path, { recursive: true });
      await sweep(path);
    } catch (error) {
      throw writeFailure(path, error);
    }
    return new CheckpointFolder(path, options);
  }

  /**
   * Saves a checkpoint, over one of the same step, then deletes those that are no longer kept.
   * @returns its path.
   * @throws TrainingError when it cannot be written (a full disk); earlier checkpoints are as they were.
   */
  async save(content: CheckpointContent): Promise<string> {
    const name = `checkpoint-${content.state.step}`;
    const path = join(this.path, name);
    const growing = this.#unfinished(name, "new");
    temporaryFolders.add(growing);
    try {
      await writeContent(growing, content);
      await this.#publish(growing, path, name);
    } catch (error) {
      await rm(growing, { recursive: true, force: true }).catch(() => undefined);
      const last = (await steps(this.path).catch(() => [])).at(-1);
      const note = last === undefined ? "" : `; checkpoint-${last} is as it was`;
      throw writeFailure(path, error, note);
    } finally {
      temporaryFolders.delete(growing);
    }
    await this.#prune(content.state.step);
    return path;
  }

  #unfinished(name: string, kind: "new" | "old"): string {
    return join(this.path, `.${name}.${process.pid}-${randomBytes(4).toString("hex")}.${kind}`);
  }

  async #publish(growing: string, path: string, name: string): Promise<void> {
    const replaced = (await exists(path)) ? this.#unfinished(name, "old") : undefined;
    // a process killed between these two renames leaves the old one, which the sweep gives its name back
    if (replaced) await rename(path, replaced);
    await rename(growing, path);
    await flushFolder(this.path);
    if (replaced) await rm(replaced, { recursive: true, force: true });
  }

  /** Later checkpoints than `saved` are of a run that was gone back on; they stay until they are written again. */
  async #prune(saved: number): Promise<void> {
    const { keep, keepEvery, onWarning } = this.#options;
    const past = (await steps(this.path)).filter((step) => step <= saved);
    for (const step of past.slice(0, Math.max(0, past.length - Math.max(1, keep)))) {
      if (keepEvery !== undefined && step % keepEvery === 0) continue;
      const name = `checkpoint-${step}`;
      const going = this.#unfinished(name, "new"); // deleted half it would be no checkpoint
      try {
        await rename(join(this.path, name), going);
        await rm(going, { recursive: true, force: true });
      } catch (error) {
        onWarning?.(`${join(this.path, name)}: an old checkpoint cannot be deleted (${(error as Error).message})`);
      }
    }
  }

  /** See `latestCheckpoint`. */
  latest(): Promise<SavedCheckpoint | undefined> {
    return latestCheckpoint(this.path, this.#options.onWarning);
  }
}

async function writeContent(folder: string, content: CheckpointContent): Promise<void> {
  await mkdir(join(folder, TRAINING), { recursive: true });
  await content.writeModel(folder);
  const tensors: Record<string, ReadonlyMap<string, LazyTensor>> = { ...content.tensors };
  for (const [name, optimizer] of Object.entries(content.optimizers)) {
    const [first, second] = momentFiles(name);
    tensors[first] = arenaTensors(optimizer.firstMoments);
    tensors[second] = arenaTensors(optimizer.secondMoments);
  }
  for (const [name, average] of Object.entries(content.averages ?? {}))
    tensors[averageFile(name)] = arenaTensors(average);
  if (content.weights) tensors[WEIGHTS] = content.weights;
  for (const [name, map] of Object.entries(tensors))
    await writeSafetensorsFile(join(folder, TRAINING, `${name}.safetensors`), map);
  const optimizers = Object.fromEntries(Object.entries(content.optimizers).map(([name, o]) => [name, o.counts()]));
  await writeDurable(join(folder, STATE_FILE), stateJson({ ...content.state, optimizers }));

  const { files, folders } = await filesBelow(folder);
  const digests: Record<string, FileDigest> = {};
  for (const file of files) digests[file] = await digestFile(join(folder, file), { flush: true });
  await writeDurable(join(folder, MANIFEST_FILE), `${JSON.stringify({ format: 1, files: digests }, undefined, 1)}\n`);
  for (const inside of folders) await flushFolder(join(folder, inside));
}

/**
 * The newest checkpoint of a folder that is whole. A damaged one is told to `onWarning`, and the one before it is taken.
 * @returns undefined when there is none at all.
 * @throws TrainingError when there are some, all of them damaged.
 */
export async function latestCheckpoint(
  folder: string,
  onWarning?: (message: string) => void,
): Promise<SavedCheckpoint | undefined> {
  const names = (await steps(folder)).reverse().map((step) => `checkpoint-${step}`);
  let first: TrainingError | undefined;
  for (const [i, name] of names.entries()) {
    try {
      return await readCheckpoint(join(folder, name));
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
      first ??= error;
      const next = names[i + 1];
      if (next) onWarning?.(`${error.message}; going back to ${next}`);
    }
  }
  if (!first) return undefined;
  throw new TrainingError(
    `${folder}: none of its ${names.length} checkpoints can be used (${first.message}); start again in another folder`,
  );
}

/** Steps that have a checkpoint, ascending. */
async function steps(folder: string): Promise<number[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new TrainingError(`${folder}: cannot be read (${message})`);
  }
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Deletes what processes that were killed have left behind, and gives a checkpoint that was being replaced its name back. */
async function sweep(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) {
    const [, name, owner, kind] = UNFINISHED.exec(entry) ?? [];
    if (name === undefined || isOtherProcess(Number(owner))) continue;
    const path = join(folder, entry);
    const target = join(dirname(path), name);
    if (kind === "old" && !(await exists(target))) await rename(path, target);
    else await rm(path, { recursive: true, force: true });
  }
}

/** Whether a process of this number lives that is not this one. */
function isOtherProcess(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
