/**
 * Multiple-choice questions about clips, from the lists that MMAU, MMAR and MMSU are published as.
 *
 * | what | MMAU | MMAR | MMSU |
 * |---|---|---|---|
 * | clip | `audio_id` | `audio_path` | `audio_path` |
 * | question | `question` | `question` | `question` |
 * | choices | `choices`, a list | `choices`, a list | `choice_a` … `choice_d` |
 * | answer | `answer`, a choice | `answer`, a choice | `answer_gt`, a choice |
 * | group of the published table | `task`: speech, sound, music | `modality`: speech, sound, music, mixes | `category`: Perception, Reasoning |
 *
 * MMAU's names are those of mmau-test-mini.json (github.com/Sakshi113/MMAU), MMAR's those of MMAR-meta.json
 * (huggingface.co/datasets/BoJack/MMAR). Those of MMSU are taken from programs that read it: its list was not at hand.
 * Every name works in every layout; further ones are in {@link NAMES}.
 */
import { EvaluationError } from "../errors.ts";
import { letterOf } from "./answers.ts";

export const BENCHMARKS = ["mmau", "mmar", "mmsu"] as const;
export type Benchmark = (typeof BENCHMARKS)[number];

export interface Question {
  /** The row's `id`, or its number. */
  readonly id: string;
  /** Path of the clip as the list gives it. */
  readonly audio: string;
  readonly question: string;
  /** Two to 26. */
  readonly choices: readonly string[];
  /** Index of the right one. */
  readonly answer: number;
  /** The group that the published table has a column for, lower case. */
  readonly group: string;
  /** What else the list calls the question: `category`, `sub-category`, `task_name`, … */
  readonly categories: Readonly<Record<string, string>>;
}

/** Names by which a list may call what a question has; the first that a row has counts. */
const NAMES = {
  id: ["id", "question_id"],
  audio: ["audio_path", "audio_id", "audio", "path", "file_name", "wav"],
  question: ["question"],
  choices: ["choices", "options"],
  answer: ["answer", "answer_gt", "correct_answer"],
} as const;

const GROUP: Readonly<Record<Benchmark, readonly string[]>> = {
  mmau: ["task", "modality"],
  mmar: ["modality", "task"],
  mmsu: ["category", "task"],
};

const CATEGORIES = ["task", "modality", "category", "sub-category", "subcategory", "sub-sub-category", "task_name"];

/** Which benchmark rows are of, by their fields; undefined when they could be of several. */
export function benchmarkOf(rows: readonly unknown[]): Benchmark | undefined {
  const row = rows[0];
  if (typeof row !== "object" || row === null) return undefined;
  if ("choice_a" in row || "answer_gt" in row || "task_name" in row) return "mmsu";
  if ("modality" in row) return "mmar";
  return "audio_id" in row || "task" in row ? "mmau" : undefined;
}

/**
 * @param name of the list, for messages.
 * @throws EvaluationError naming list, row and field.
 */
export function parseQuestions(rows: readonly unknown[], benchmark: Benchmark, name: string): Question[] {
  if (rows.length === 0) throw new EvaluationError(`${name}: holds no questions; expected at least one`);
  return rows.map((row, index) => parseQuestion(row, index, benchmark, name));
}

function parseQuestion(row: unknown, index: number, benchmark: Benchmark, name: string): Question {
  const wrong = (field: string, expected: string) =>
    new EvaluationError(`${name}: row ${index + 1}: ${field}; expected ${expected}`);
  if (typeof row !== "object" || row === null || Array.isArray(row)) throw wrong("is no object", "a question's fields");
  const fields = row as Readonly<Record<string, unknown>>;
  const value = (what: keyof typeof NAMES) => NAMES[what].map((key) => fields[key]).find((v) => v !== undefined);
  const text = (what: "audio" | "question"): string => {
    const given = value(what);
    if (typeof given !== "string" || given.trim() === "")
      throw wrong(`no ${what}`, `text in ${NAMES[what].join(", ")}`);
    return given.trim();
  };
  const id = value("id");
  const choices = choicesOf(fields, value("choices"));
  if (choices === undefined || choices.length < 2 || choices.length > 26)
    throw wrong("no choices", "two to 26 texts in choices, or choice_a, choice_b, …");
  const answer = answerOf(value("answer"), choices);
  if (answer === undefined) throw wrong("the answer is none of the choices", "one of them, or its letter");
  const group = GROUP[benchmark].map((key) => fields[key]).find((v) => typeof v === "string") as string | undefined;
  return {
    id: typeof id === "string" || typeof id === "number" ? String(id) : String(index + 1),
    audio: text("audio"),
    question: text("question"),
    choices,
    answer,
    group: (group ?? "other").trim().toLowerCase(),
    categories: Object.fromEntries(
      CATEGORIES.flatMap((key) => (typeof fields[key] === "string" ? [[key, fields[key] as string]] : [])),
    ),
  };
}

/** A list, a list as JSON text, or lettered fields. */
function choicesOf(fields: Readonly<Record<string, unknown>>, given: unknown): string[] | undefined {
  let list = given;
  if (typeof given === "string") {
    try {
      list = JSON.parse(given);
    } catch {
      return undefined;
    }
  }
  if (list === undefined) {
    const lettered = Array.from({ length: 26 }, (_, i) => fields[`choice_${letterOf(i).toLowerCase()}`]);
    // questions with two or three choices leave the last ones out or empty
    list = lettered.filter((choice) => choice !== undefined && choice !== null && choice !== "");
  }
  if (!Array.isArray(list)) return undefined;
  const texts = list.map((choice) => (typeof choice === "number" ? String(choice) : choice));
  return texts.every((choice) => typeof choice === "string")
    ? texts.map((choice: string) => choice.replace(/^\s*\(?[A-Z][).:]\s+/, "").trim())
    : undefined;
}

/** Index of the choice with this text; else a letter. */
function answerOf(given: unknown, choices: readonly string[]): number | undefined {
  if (typeof given !== "string" && typeof given !== "number") return undefined;
  const text = String(given).trim();
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const index = choices.findIndex(
    (choice) => same(choice, text) || same(choice, text.replace(/^\(?[A-Z][).:]\s+/, "")),
  );
  if (index >= 0) return index;
  const [, letter] = /^\(?([A-Z])\)?\.?$/i.exec(text) ?? [];
  const at = letter === undefined ? -1 : letter.toUpperCase().charCodeAt(0) - 65;
  return at >= 0 && at < choices.length ? at : undefined;
}
