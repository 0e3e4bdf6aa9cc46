/** Batches for a reader: clips as their tokens, with what is known of them. */

import { parseSap } from "@uat/evaluation";
import type { NumericArray } from "@uat/graph";
import {
  type CodesReaderConfig,
  readerLabel,
  readerLabels,
  readerText,
  SPEECH,
} from "universal-audio-tokenizer/internal";
import type { Example } from "../data/example.ts";
import { TrainingError } from "../errors.ts";
import type { Random } from "../random.ts";

/** What a row says of its clip. */
export interface ReaderTruth {
  /** As it is written from codes; "" where nobody speaks, undefined where nobody knows. */
  readonly text: string | undefined;
  /** Labels that are true. */
  readonly labels: readonly string[];
  /** Whether labels that are not listed are untrue; else only other values of a listed label's field are. */
  readonly complete: boolean;
}

/** Columns that tell of a speaker in rows that are no SAP answers. */
const COLUMNS = ["gender", "age", "emotion", "accent"] as const;

/**
 * A row of task `sap` tells all; any other with a text is speech, of which the columns `gender`, `age`, `emotion` and
 * `accent` may tell more.
 * @throws TrainingError for a SAP answer that is none.
 */
export function readerTruth(example: Example): ReaderTruth {
  const { task, text, labels: columns } = example;
  if (task === "sap") {
    const answer = parseSap(text);
    if (!answer)
      throw new TrainingError(`${example.id}: its text is no valid SAP answer; mend it, or give another task`);
    return { text: readerText(answer.transcription ?? ""), labels: readerLabels(answer), complete: true };
  }
  const labels: string[] = [];
  for (const field of COLUMNS) {
    const value = columns[field];
    if (typeof value === "string" && value !== "") labels.push(readerLabel(field, value));
  }
  const spoken = text === undefined || task === "ser" || task === "caption" ? undefined : readerText(text);
  if (spoken) labels.push(SPEECH);
  return { text: spoken, labels, complete: false };
}

/** A clip with what is known of it. */
export interface ReaderClip {
  readonly tokens: Int32Array;
  readonly truth: ReaderTruth;
}

/** Clips, the shorter ones filled up. */
export interface ReaderBatch {
  readonly size: number;
  readonly tokenCount: number;
  readonly inputs: Readonly<Record<string, NumericArray>>;
}

/** Shares of tokens hidden alone, and most tokens of each of two hidden stretches (SpecAugment, arXiv 1904.08779). */
export interface Hiding {
  readonly share: number;
  readonly stretch: number;
}

/**
 * @param hiding none in evaluation.
 * @throws TrainingError for a clip without tokens.
 */
export function readerBatch(
  clips: readonly ReaderClip[],
  c: CodesReaderConfig,
  random: Random,
  hiding?: Hiding,
): ReaderBatch {
  const size = clips.length;
  const tokenCount = Math.max(...clips.map(({ tokens }) => tokens.length));
  const numbers = new Map(c.characters.map((character, i) => [character, i + 1]));
  const units = clips.map(({ truth }) =>
    // a character that was not listed is left out
    Array.from(truth.text ?? "").flatMap((character) => numbers.get(character) ?? []),
  );
  const length = Math.max(1, ...units.map((list) => list.length));
  const tokens = new Int32Array(size * tokenCount);
  const mask = new Int32Array(size * tokenCount);
  const seen = new Float32Array(size * tokenCount).fill(1);
  const characters = new Int32Array(size * length).fill(-1);
  const labels = new Float32Array(size * c.labels.length);
  for (const [row, clip] of clips.entries()) {
    const count = clip.tokens.length;
    tokens.set(clip.tokens, row * tokenCount);
    mask.fill(1, row * tokenCount, row * tokenCount + count);
    characters.set(units[row]!, row * length);
    labels.set(labelTargets(clip.truth, c.labels), row * c.labels.length);
    if (hiding) hide(seen.subarray(row * tokenCount, row * tokenCount + count), hiding, random);
  }
  const plane = [size, tokenCount];
  return {
    size,
    tokenCount,
    inputs: {
      tokens: { data: tokens, shape: plane },
      mask: { data: mask, shape: plane },
      seen: { data: seen, shape: plane },
      characters: { data: characters, shape: [size, length] },
      labels: { data: labels, shape: [size, c.labels.length] },
    },
  };
}

/** 1 for what is true, 0 for what is not, −1 for what nobody knows. */
function labelTargets({ labels: true_, complete }: ReaderTruth, labels: readonly string[]): Float32Array {
  const isTrue = new Set(true_);
  const fields = new Set(true_.map((label) => label.split(": ")[0]));
  return Float32Array.from(labels, (label) =>
    isTrue.has(label) ? 1 : complete || fields.has(label.split(": ")[0]) ? 0 : -1,
  );
}

function hide(seen: Float32Array, { share, stretch }: Hiding, random: Random): void {
  for (let i = 0; i < seen.length; i++) if (random.uniform() < share) seen[i] = 0;
  for (let n = 0; n < 2; n++) {
    const width = random.below(stretch + 1);
    const start = random.below(Math.max(1, seen.length - width));
    seen.fill(0, start, start + width);
  }
}
