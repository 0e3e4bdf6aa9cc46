/** What stands between a describer's networks and those who ask: answers about a piece of at most 30 s. */
import type { DescribeTask } from "./describe-tasks.ts";
import type { SapAnswer } from "./sap-answer.ts";

/** An answer about one piece. */
export interface Answer {
  readonly text: string;
  /** The text's values, for `sap`. */
  readonly sap?: SapAnswer | undefined;
}

export interface AnswerOptions {
  /** Most tokens of text; as many as the network can write by default. */
  readonly maxTokens?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Networks that answer from codes: a text decoder (written-answers.ts) or a reader (read-answers.ts). */
export interface Answerer {
  /** Number of codes. */
  readonly codebookSize: number;
  /** Codes a second. */
  readonly frameRate: number;
  /** Most codes of a piece. */
  readonly longest: number;
  /** @throws TokenizerError for a task that this describer was not trained for, and too few tokens for any answer. */
  check(task: DescribeTask, options: AnswerOptions): void;
  /** @param codes at least one, at most `longest`, all below `codebookSize`. */
  answer(codes: Int32Array, task: DescribeTask, options: AnswerOptions): Promise<Answer>;
  dispose(): Promise<void>;
}
