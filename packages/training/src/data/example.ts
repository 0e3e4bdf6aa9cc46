/** What a training example is before its audio is decoded: where the clip lies and what is known about it. */
import type { Task } from "../tasks/tasks.ts";

/** A clip: a file on disk, or a file's bytes with the name that messages call it. */
export type ClipAudio = { readonly path: string } | { readonly bytes: Uint8Array; readonly name: string };

/** A stretch of a recording. */
export interface Clip {
  readonly audio: ClipAudio;
  /** Seconds into the recording; 0 by default. */
  readonly start?: number;
  /** Seconds taken; all that follows `start` by default. */
  readonly duration?: number;
  /** Some label holds times within the clip: its speed is never changed. */
  readonly timed?: boolean;
}

/** One row of a source: metadata only, audio is decoded when it is needed. */
export interface Example extends Clip {
  /** Source and row, for messages and caches: `list.jsonl:12`, `train.parquet#7`, `sounds/dog/1.wav`. */
  readonly id: string;
  /** What the decoder learns to write: a transcript, an emotion, a caption, SAP JSON. */
  readonly text?: string;
  readonly task?: Task;
  /** Sound-event classes. */
  readonly tags?: readonly string[];
  readonly speaker?: string;
  readonly language?: string;
  /** Whatever else the row holds, by column. */
  readonly labels: Readonly<Record<string, unknown>>;
}

/** A list of examples that is read by index. */
export interface ExampleSource {
  /** For messages: file or folder. */
  readonly name: string;
  /** Examples, at least 1. */
  readonly length: number;
  /** Rows that are read together; absent where any order of reading costs the same. */
  readonly blocks?: RowBlocks;
  /** @throws TrainingError when the row cannot be read or a label has the wrong type. */
  example(index: number): Promise<Example>;
  close(): Promise<void>;
}

/** Rows of a list in blocks that have to be read whole, as the row groups of a Parquet file. */
export interface RowBlocks {
  /** First row of each block, ascending from 0, and at the end the number of rows. */
  readonly starts: Float64Array;
  /** How many blocks may be held at once: rows are shuffled within so many blocks. */
  readonly window: number;
}

/** What messages call a clip. */
export const clipName = ({ audio }: Clip): string => ("path" in audio ? audio.path : audio.name);
