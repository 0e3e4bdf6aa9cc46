/** What the decoder learns to write for one row, as token ids. */
import { EMOTION_SYNONYMS, EMOTIONS, formatSap, parseSap } from "@uat/evaluation";
import { TrainingError } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { START_TOKENS, type Task } from "./tasks.ts";
import type { TextTokenizer } from "./text-tokenizer.ts";

/** Labels of this value do not count in the loss. */
export const IGNORED_LABEL = -100;

export interface TargetOptions {
  /** Names the row in messages. */
  readonly row: string;
  /** Positions of the decoder. */
  readonly maxTargetPositions: number;
  /** What happens to text with more tokens than positions. `"truncate"` by default; the row says so by `truncated`. */
  readonly longText?: "truncate" | "error" | undefined;
  /** Rows with fewer characters (white space at the ends not counted) teach the decoder nothing. 0 by default. */
  readonly minTextLength?: number | undefined;
}

/** One row of the decoder's batch; both arrays are equally long, at most `maxTargetPositions`. */
export interface Target {
  /** The task's start token, then the text. */
  readonly decoder_input_ids: readonly number[];
  /** The text, then the end token: what follows each position. All −100 in a row that is masked out. */
  readonly labels: readonly number[];
  /** The text did not fit: its end and the end token are missing. */
  readonly truncated: boolean;
  /** The text is shorter than `minTextLength`. */
  readonly masked: boolean;
}

/**
 * The text that the decoder learns: transcripts and captions as they are, emotions as one of the seven, answers about a
 * clip in canonical JSON.
 * @param row named in messages.
 * @throws TrainingError when the text is no label of the task.
 */
export function targetText(task: Task, text: string, row: string): string {
  if (task === "ser") return emotionLabel(text.trim(), row);
  if (task !== "sap") return text;
  const answer = parseSap(text);
  if (answer === undefined) {
    throw new TrainingError(
      `${row}: its text ${quoted(text)} is no SAP answer; expected JSON with exactly the keys transcription, ` +
        "paralinguistics and nonLinguisticEvents, or another task for this row",
    );
  }
  return formatSap(answer);
}

/**
 * Decoder input and labels of one row, shifted by one.
 * @param text a transcript (asr), an emotion (ser), a caption, or SAP JSON.
 * @throws TrainingError naming the row when the text is no label of the task, or too long and `longText` is `"error"`.
 */
export function encodeTarget(tokenizer: TextTokenizer, task: Task, text: string, options: TargetOptions): Target {
  const { row, maxTargetPositions, longText = "truncate", minTextLength = 0 } = options;
  const ids = tokenizer.encode(targetText(task, text, row));
  const length = Math.min(ids.length + 1, maxTargetPositions);
  const truncated = length < ids.length + 1;
  if (truncated && longText === "error") {
    throw new TrainingError(
      `${row}: its text has ${ids.length} tokens and an end; the decoder has ${maxTargetPositions} positions: ` +
        "shorten the text, raise max_target_positions, or set data.long_text to truncate",
    );
  }
  // The seven emotions are short words: their length says nothing of their worth.
  const masked = task !== "ser" && Array.from(text.trim()).length < minTextLength;
  return {
    decoder_input_ids: [tokenizer.start(task), ...ids.slice(0, length - 1)],
    labels: masked ? new Array<number>(length).fill(IGNORED_LABEL) : [...ids, tokenizer.end].slice(0, length),
    truncated,
    masked,
  };
}

function emotionLabel(label: string, row: string): string {
  if ((EMOTIONS as readonly string[]).includes(label)) return label;
  const meant = EMOTION_SYNONYMS.get(label);
  if (meant !== undefined) return meant;
  const close = nearest(label, [...EMOTIONS, ...EMOTION_SYNONYMS.keys()]);
  throw new TrainingError(
    `${row}: its label ${quoted(label)} is no emotion${close === undefined ? "" : ` (did you mean ${close}?)`}; ` +
      `after ${START_TOKENS.ser} expected ${EMOTIONS.join(", ")} or one of their synonyms`,
  );
}

/** Text from a data set as it may stand in a message. */
function quoted(text: string): string {
  const plain = text.replace(/\p{Cc}/gu, " ");
  return JSON.stringify(plain.length > 60 ? `${plain.slice(0, 59)}…` : plain);
}
