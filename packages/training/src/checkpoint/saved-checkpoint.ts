/** A training checkpoint on disk, checked, and what can be taken from it. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileSource, openSafetensors, type TensorStore } from "universal-audio-tokenizer/internal";
import { TrainingError } from "../errors.ts";
import type { AdamW } from "../optimizer/adamw.ts";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";
import { digestFile } from "./durable-files.ts";
import { loadArena } from "./stored-weights.ts";
import { type Manifest, parseManifest, parseState, type TrainingState } from "./training-state.ts";

/** The folder, inside a checkpoint, of what only training needs. */
export const TRAINING = "training";
export const STATE_FILE = `${TRAINING}/state.json`;
export const MANIFEST_FILE = `${TRAINING}/manifest.json`;

/** Names of the files, without `.safetensors`. */
export const WEIGHTS = "weights";
export const momentFiles = (optimizer: string) => [`${optimizer}.exp_avg`, `${optimizer}.exp_avg_sq`] as const;
export const averageFile = (name: string) => `${name}.average`;

const MAX_JSON_BYTES = 256 << 20;

export class SavedCheckpoint {
  readonly path: string;
  readonly state: TrainingState;
  readonly #files: Manifest["files"];

  constructor(path: string, state: TrainingState, files: Manifest["files"]) {
    this.path = path;
    this.state = state;
    this.#files = files;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#files, `${TRAINING}/${name}.safetensors`);
  }

  /**
   * Opens `training/NAME.safetensors`; the caller closes it.
   * @throws TrainingError when the checkpoint has no such file.
   */
  async openTensors(name: string): Promise<TensorStore> {
    if (!this.has(name))
      throw new TrainingError(`${this.path}: has no ${name}; it was saved by another kind of training`);
    return openSafetensors(await fileSource(this.#file(name)));
  }

  #file(name: string): string {
    return join(this.path, TRAINING, `${name}.safetensors`);
  }

  async #load(name: string, arena: ParameterArena, parameters?: readonly string[]): Promise<void> {
    const store = await this.openTensors(name);
    try {
      await loadArena(arena, store, this.#file(name), parameters);
    } finally {
      await store.close();
    }
  }

  /**
   * Sets an optimiser to where it was.
   * @throws TrainingError when it trains other parameters than the saved one did.
   */
  async restoreOptimizer(name: string, optimizer: AdamW): Promise<void> {
    const counts = this.state.optimizers[name];
    if (!counts)
      throw new TrainingError(`${this.path}: has no optimiser ${name}; it was saved by another kind of training`);
    try {
      optimizer.restoreCounts(counts);
    } catch (error) {
      if (error instanceof TrainingError) throw new TrainingError(`${this.path}: ${error.message}`);
      throw error;
    }
    const [first, second] = momentFiles(name);
    await this.#load(first, optimizer.firstMoments);
    await this.#load(second, optimizer.secondMoments);
  }

  /** Sets averaged weights to what they were. @throws TrainingError when they were not saved or are of other parameters. */
  restoreAverage(name: string, average: ParameterArena): Promise<void> {
    return this.#load(averageFile(name), average);
  }

  /**
   * Fills those parameters that were saved beside the model's own files, which hold them in half precision or not at all.
   * @returns their names: the others are to be read from the model's files.
   */
  async restoreWeights(parameters: ParameterArena): Promise<ReadonlySet<string>> {
    if (!this.has(WEIGHTS)) return new Set();
    const store = await this.openTensors(WEIGHTS);
    try {
      const names = [...store.names()].filter((name) => parameters.has(name));
      await loadArena(parameters, store, this.#file(WEIGHTS), names);
      return new Set(names);
    } finally {
      await store.close();
    }
  }
}

/**
 * Opens a checkpoint and checks all its files by size and checksum.
 * @throws TrainingError when it is none, or damaged.
 */
export async function readCheckpoint(path: string): Promise<SavedCheckpoint> {
  const manifest = parseManifest(await readText(path, MANIFEST_FILE), join(path, MANIFEST_FILE));
  for (const [name, expected] of Object.entries(manifest.files)) {
    const found = await digest(path, name);
    if (found.bytes !== expected.bytes)
      throw new TrainingError(
        `${join(path, name)}: has ${found.bytes} bytes where ${expected.bytes} were written; the checkpoint is damaged`,
      );
    if (found.crc32 !== expected.crc32)
      throw new TrainingError(`${join(path, name)}: is not as it was written; the checkpoint is damaged`);
  }
  const state = parseState(await readText(path, STATE_FILE), join(path, STATE_FILE));
  return new SavedCheckpoint(path, state, manifest.files);
}

async function digest(path: string, name: string) {
  try {
    return await digestFile(join(path, name));
  } catch (error) {
    throw unreadable(path, name, error);
  }
}

async function readText(path: string, name: string): Promise<string> {
  const file = join(path, name);
  try {
    const { size } = await stat(file);
    if (size > MAX_JSON_BYTES) throw new TrainingError(`${file}: has ${size} bytes; expected a small file`);
    return await readFile(file, "utf8");
  } catch (error) {
    throw unreadable(path, name, error);
  }
}

function unreadable(path: string, name: string, error: unknown): unknown {
  if (error instanceof TrainingError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "ENOENT" && code !== "ENOTDIR")
    return new TrainingError(`${join(path, name)}: cannot be read (${message})`);
  return new TrainingError(`${path}: is not a whole training checkpoint: ${name} is missing`);
}
