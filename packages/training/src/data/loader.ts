/**
 * Batches for a training loop. Clips are read ahead and prepared in worker threads, so that the engine does not wait;
 * batches are the same, in the same order, whatever the number of threads. A clip that cannot be read is left out and
 * the next position takes its place.
 */
import type { NumericArray } from "@uat/graph";
import { TrainingError } from "../errors.ts";
import type { BatchItem, Collate } from "./collate.ts";
import type { Example } from "./example.ts";
import type { ExampleStream } from "./mixture.ts";
import { mixSeed } from "./permutation.ts";
import { type PreparationSettings, type PreparedClip, parsePreparation } from "./prepare.ts";
import { type ClipOutcome, createWorkerPool, type WorkerPool } from "./worker-pool.ts";

export interface LoaderOptions {
  readonly stream: ExampleStream;
  readonly batchSize: number;
  readonly prepare: PreparationSettings;
  readonly collate: Collate;
  /** Seeds the random changes. */
  readonly seed: number;
  /** What is known of a clip already: it is neither read nor prepared. */
  readonly known?: ((example: Example) => Promise<PreparedClip | undefined>) | undefined;
  /** Threads; 0, and always when run from sources: the calling thread. */
  readonly workers: number;
  /** Position of the stream to begin at: `next` of the last batch of the run that is continued. 0 by default. */
  readonly from?: number | undefined;
  /** Share of unreadable clips past which the run stops; 0.01 by default. */
  readonly maxUnreadableShare?: number | undefined;
}

/** A clip that was left out. */
export interface UnreadableClip {
  readonly id: string;
  readonly reason: string;
}

export interface Batch {
  /** Of the stream: the first that was used for this batch. */
  readonly position: number;
  /** Where a run goes on that ends after this batch. */
  readonly next: number;
  readonly ids: readonly string[];
  readonly examples: readonly Example[];
  readonly tensors: Readonly<Record<string, NumericArray>>;
  /** Clips left out since the batch before. */
  readonly unreadable: readonly UnreadableClip[];
}

/** Clips that must have been seen before their unreadable share is judged, where there are as many. */
const SEEN_AT_LEAST = 100;
/** Batches that are prepared while the engine works on one. */
const BATCHES_AHEAD = 2;

/**
 * Batches from position `from` on; without end where the stream has none, otherwise with a smaller one at the end.
 * Leaving the iteration ends the threads.
 * @throws TrainingError when too many clips cannot be read, when a row cannot be, for a preparation that is
 *   not known, and whatever `collate` throws.
 */
export async function* loadBatches(options: LoaderOptions): AsyncGenerator<Batch> {
  const { stream, batchSize, collate, workers, from = 0, maxUnreadableShare = 0.01 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new TrainingError(`batch size ${batchSize}; expected a whole number from 1`);
  }
  if (!Number.isInteger(workers) || workers < 0) {
    throw new TrainingError(`${workers} data threads; expected a whole number from 0`);
  }
  const preparation = parsePreparation(options.prepare);
  const pool = createWorkerPool(workers, preparation);
  const readAhead = BATCHES_AHEAD * batchSize + 2 * workers;
  const health = new ClipHealth(stream.epochLength, maxUnreadableShare);
  const queue: Promise<Prepared>[] = [];
  let issued = from;
  let position = from;
  let begun = from;
  let items: BatchItem[] = [];
  let unreadable: UnreadableClip[] = [];
  const batch = (): Batch => {
    const made: Batch = {
      position: begun,
      next: position,
      ids: items.map(({ example }) => example.id),
      examples: items.map(({ example }) => example),
      tensors: collate(items),
      unreadable,
    };
    [begun, items, unreadable] = [position, [], []];
    return made;
  };
  try {
    for (;;) {
      while (queue.length < readAhead && issued < stream.length) {
        queue.push(prepareAt(stream, issued++, pool, options));
      }
      const prepared = await queue.shift();
      if (prepared === undefined) break;
      if ("failure" in prepared) throw prepared.failure;
      const { example, outcome } = prepared;
      position++;
      if ("unreadable" in outcome) unreadable.push({ id: example.id, reason: outcome.unreadable });
      else items.push({ ...outcome, example });
      health.saw(example.id, "unreadable" in outcome ? outcome.unreadable : undefined);
      if (items.length === batchSize) yield batch();
    }
    health.judge();
    if (items.length > 0) yield batch();
  } finally {
    await pool.close();
  }
}

type Prepared =
  | { readonly example: Example; readonly outcome: ClipOutcome }
  // thrown only when its turn comes: what comes before is still good
  | { readonly failure: unknown };

async function prepareAt(
  stream: ExampleStream,
  position: number,
  pool: WorkerPool,
  { seed, known }: LoaderOptions,
): Promise<Prepared> {
  try {
    const { example, draw } = await stream.at(position);
    const kept = await known?.(example);
    if (kept) return { example: withoutBytes(example), outcome: kept };
    const { id: _id, labels: _labels, ...clip } = example;
    // what is kept must not depend on when the clip was first met
    const drawn = known ? Buffer.from(example.id) : [draw];
    const outcome = await pool.run({ clip, seed: mixSeed(seed, ...drawn) });
    return { example: withoutBytes(example), outcome };
  } catch (failure) {
    return { failure };
  }
}

/** Labels stay in memory with their batch; a file's bytes need not. */
const withoutBytes = (example: Example): Example =>
  "bytes" in example.audio ? { ...example, audio: { bytes: new Uint8Array(0), name: example.audio.name } } : example;

/**
 * Stops a run whose data are bad, rather than let it train on what is left. After whole epochs the share is what it is.
 * Before, it is an estimate: a list with half of the tolerated share must not end a run because of two bad clips among
 * the first hundred, so the count may pass the tolerated one by two standard deviations (of a Poisson count).
 */
class ClipHealth {
  readonly #epochLength: number;
  readonly #tolerated: number;
  #seen = 0;
  readonly #first: string[] = [];
  #count = 0;

  constructor(epochLength: number, tolerated: number) {
    this.#epochLength = epochLength;
    this.#tolerated = tolerated;
  }

  /** @throws TrainingError when too many could not be read. */
  saw(id: string, reason: string | undefined): void {
    this.#seen++;
    if (reason !== undefined) {
      this.#count++;
      if (this.#first.length < 3) this.#first.push(reason.includes(id) ? reason : `${id}: ${reason}`);
    }
    if (this.#seen % this.#epochLength === 0) this.judge();
    else if (this.#seen >= SEEN_AT_LEAST) this.judge(2 * Math.sqrt(this.#tolerated * this.#seen));
  }

  /** @throws TrainingError as {@link saw}. */
  judge(doubt = 0): void {
    // a list without any clip that can be read would be gone through for ever
    if (this.#count <= this.#tolerated * this.#seen + doubt && (this.#count < this.#seen || this.#seen === 0)) return;
    const more = this.#count > this.#first.length ? `; and ${this.#count - this.#first.length} more` : "";
    throw new TrainingError(
      `${this.#count} of ${this.#seen} clips cannot be read, more than ${100 * this.#tolerated} %: ${this.#first.join("; ")}${more}; mend them or take them off the list`,
    );
  }
}
