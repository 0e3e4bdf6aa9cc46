/** What is trained on: `data` of a run's configuration. */
import { z } from "zod";
import { augmentationSchema } from "../augment/augment.ts";
import { TASKS } from "../tasks/tasks.ts";
import { block, count, filled, listed, oneOf, positive, size, text, texts } from "./fields.ts";

/** The places that rows may come from; a source has one of these. */
export const SOURCE_KINDS = ["path", "manifest", "folder", "dataset", "synth"] as const;

const columns = filled({
  audio: text.optional().describe("the clip: a path, a file's bytes, or Hugging Face's `{ bytes, path }`"),
  text: text.optional().describe("what the decoder writes: a transcript, an emotion, a caption, SAP JSON"),
  task: text.optional().describe("the row's task, where rows differ"),
  tags: text.optional().describe("sound-event classes: text or a list"),
  speaker: text.optional().describe("who speaks"),
  language: text.optional().describe("the language spoken"),
  start: text.optional().describe("seconds into the recording where the clip begins"),
  duration: text.optional().describe("seconds of the clip"),
  phonemes: text.default("phonemes").describe("phonemes for `ctc`: a list, or text with blanks between them"),
  codes: text.default("codes").describe("tokens of the clip, where no tokenizer is given (flow)"),
  embedding: text.default("embedding").describe("the speaker's x-vector (flow); zeros where there is none"),
});

const source = block({
  path: z
    .union([text, texts.min(1, "expected at least one path")], "expected a path or a list of paths")
    .optional()
    .describe("Parquet files: a path, a folder, a name with `*`, or a list of these"),
  manifest: text.optional().describe("a list of clips: JSONL, CSV or TSV"),
  folder: text.optional().describe("a folder of clips; the folders below it name their class"),
  dataset: text.optional().describe("a data set of the Hugging Face hub, `org/name`"),
  synth: text.optional().describe("a scene configuration: the synthesiser makes the clips on first use"),
  config: text.optional().describe("the configuration of a `dataset`, where it has several"),
  split: text.optional().describe("the part of a `dataset` or `synth` that is taken"),
  weight: positive.default(1).describe("share of the draws, relative to the other sources"),
  task: oneOf(TASKS).optional().describe("the task of rows that name none"),
  language: text.optional().describe("the language of rows that name none"),
  timed: z
    .boolean("expected true or false")
    .default(false)
    .describe("labels hold times within the clip: its speed is never changed"),
  columns: columns.describe("names of columns; usual names are found without"),
}).superRefine((value, context) => {
  const given = SOURCE_KINDS.filter((kind) => value[kind] !== undefined);
  if (given.length !== 1) {
    const expected = `expected exactly one of ${listed(SOURCE_KINDS)}`;
    context.addIssue({
      code: "custom",
      message: given.length === 0 ? expected : `${expected}, not ${given.join(" and ")}`,
    });
  }
  if (value.split !== undefined && value.dataset === undefined && value.synth === undefined)
    context.addIssue({ code: "custom", path: ["split"], message: "expected only beside dataset or synth" });
  if (value.config !== undefined && value.dataset === undefined)
    context.addIssue({ code: "custom", path: ["config"], message: "expected only beside dataset" });
});

/** Where rows come from. */
export type SourceConfig = z.output<typeof source>;

export const dataConfig = block({
  train: z.array(source, "expected a list of sources").min(1, "expected at least one source").describe("sources"),
  validation: z
    .array(source, "expected a list of sources")
    .default([])
    .describe("sources of evaluation, as `data.train`"),
  validation_rows: count.default(64).describe("rows evaluated each time, the same ones; 0: all"),
  tokenizer: text
    .nullable()
    .default(null)
    .describe("the model whose tokens the flow learns from; null: a column of codes (flow)"),
  max_seconds: positive.max(30, "expected at most 30, Whisper's window").default(30).describe("longer clips are cut"),
  padding: oneOf(["longest", "max", "bucket"])
    .default("longest")
    .describe("clips of a batch are padded to the longest, to `max_seconds`, or to the next multiple of 2.5 s"),
  length_window: size
    .default(1)
    .describe("batches among which clips change places, so that those of a batch are about equally long; 1: none do"),
  min_text_length: count
    .default(0)
    .describe("rows with fewer characters teach the decoder nothing; emotions always do"),
  long_text: oneOf(["truncate", "error"])
    .default("truncate")
    .describe("what happens to text longer than the decoder; cut rows are counted"),
  augment: augmentationSchema.prefault({}).describe("random changes to training clips, in this order"),
});

export type DataConfig = z.output<typeof dataConfig>;
