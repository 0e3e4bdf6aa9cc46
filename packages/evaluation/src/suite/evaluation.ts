/**
 * What a part of `uat eval` is, what it is given and what it hands back.
 *
 * A part is a function that makes an {@link Evaluation}. It reads its inputs (`context.clips()`, or its own list with
 * `context.openClip`), measures each clip inside `context.measure` (which resumes, counts, reports progress and ends in
 * order), turns the per-clip results into figures with {@link bootstrapInterval}, and returns sections. It writes no
 * file and prints nothing: the frame makes report.json, report.md and report.html of the sections.
 *
 * @example
 * export const loudness = (): Evaluation => ({
 *   name: "loudness",
 *   title: "Loudness",
 *   protocol: "loudness 1: root mean square of the clip at 16 kHz in dB of full scale; mean over clips",
 *   async run(context) {
 *     const rows = await context.measure(await context.clips(), "rms", async (clip) => {
 *       const { samples } = await clip.read(16_000);
 *       return { rms: level(samples) };                        // plain JSON: it is kept in results.jsonl
 *     });
 *     const mean = (of: readonly (typeof rows)[number][]) => average(of.map((row) => row.result.rms));
 *     const figure: Figure = {
 *       id: "loudness", name: "Loudness", value: mean(rows), unit: "dB", n: rows.length,
 *       interval: bootstrapInterval(rows, mean, { random: context.random("loudness"), cluster: ({ clip }) => clip.speaker }),
 *     };
 *     return { sections: [{ title: "Loudness", figures: [figure] }] };
 *   },
 * });
 */
import type { Random } from "@uat/audio";
import type { AudioDecoder, AudioTokenizer } from "universal-audio-tokenizer";
import type { PublishedMeasure } from "../report/published.ts";

/** What JSON can hold. Numbers must be finite: write `null` for what could not be measured. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** One part of the suite. */
export interface Evaluation {
  /** The sub-command and the task's name in reports: `clustering`. */
  readonly name: string;
  readonly title: string;
  /**
   * How it is measured, in full sentences, beginning with name and version: `clustering 1: …`. It is printed in the
   * report and is part of every resume key: change it whenever a result would come out differently.
   */
  readonly protocol: string;
  /** Whether codes are made or decoded; without it no model is loaded and none is named in the report. */
  readonly needsModel?: boolean;
  /** @throws EvaluationError for inputs that cannot be measured; the signal's reason when it aborts. */
  run(context: EvaluationContext): Promise<EvaluationResult>;
}

export interface EvaluationResult {
  readonly sections: readonly Section[];
  /** What else decided the figures, e.g. `{ Recogniser: "Whisper base, sha256 1234…" }`; shown beside the protocol. */
  readonly facts?: Readonly<Record<string, string | number>>;
}

/** A sound to measure, not yet read. */
export interface EvaluationClip {
  /** Unique among the inputs and the same on every machine: a path relative to the input, or `file.parquet#12`. */
  readonly name: string;
  /** SHA-256 of the file's bytes (and of the span, where only a part is heard), 64 hexadecimal digits. */
  readonly hash: string;
  /** Class of the clip: its folder, or the label column. */
  readonly label?: string | undefined;
  /** What is said, where a list tells it. */
  readonly text?: string | undefined;
  readonly speaker?: string | undefined;
  readonly language?: string | undefined;
  /** Any other columns of the list. */
  readonly columns: Readonly<Record<string, unknown>>;
  /**
   * Mono samples (first channel) at `sampleRate` Hz, and the seconds of the clip.
   * @throws AudioError or another error with isInputError when the file cannot be decoded or holds no samples.
   */
  read(sampleRate: number): Promise<{ readonly samples: Float32Array; readonly seconds: number }>;
}

/** What a list knows of a clip that a part opens by itself. */
export interface ClipFacts {
  readonly name?: string | undefined;
  readonly label?: string | undefined;
  readonly text?: string | undefined;
  readonly speaker?: string | undefined;
  readonly language?: string | undefined;
  readonly columns?: Readonly<Record<string, unknown>> | undefined;
}

/** A clip's result, new or from an earlier, interrupted run. */
export interface Measured<R> {
  readonly clip: EvaluationClip;
  /** Of the clip, as `read` gave them. */
  readonly seconds: number;
  readonly result: R;
}

/** The model under test. Networks are loaded when first asked for and freed by the frame. */
export interface ModelUnderTest {
  /** As given to `--model`. */
  readonly name: string;
  /** SHA-256 over the hashes of the model's files, 64 hexadecimal digits. */
  readonly sha256: string;
  tokenizer(): Promise<AudioTokenizer>;
  decoder(): Promise<AudioDecoder>;
}

/** What the frame gives to a part. */
export interface EvaluationContext {
  /** As on the command line: files and folders. */
  readonly inputs: readonly string[];
  readonly model: ModelUnderTest;
  readonly seed: number;
  /** Aborted by Ctrl-C; `measure` looks at it between clips, longer work has to by itself. */
  readonly signal: AbortSignal;
  /**
   * The clips of the inputs (audio files, folders of audio, folders of class folders, ESC-50 layout, Parquet, tables with
   * an audio column), in a fixed order, limited as the user asked. Read and hashed once.
   */
  clips(): Promise<readonly EvaluationClip[]>;
  /** A clip that a part's own list names. It is counted among the report's data. @throws where there is no such file. */
  openClip(path: string, facts?: ClipFacts): Promise<EvaluationClip>;
  /**
   * Measures clip after clip. Results must be plain JSON with finite numbers ({@link Json}); others end the run.
   * A result that results.jsonl holds is taken from there; a new one is appended at once.
   * Clips that fail with an input error (`isInputError`) are left out, counted and named in the report.
   * @param key names what is measured and everything that decides it besides the clip (its bytes, text and language),
   * model, seed and protocol, e.g. the hash of a recogniser: `wer whisper=1f3a…`. Several calls with different keys may
   * follow each other.
   */
  measure<R>(
    clips: readonly EvaluationClip[],
    key: string,
    measureClip: (clip: EvaluationClip) => Promise<R>,
  ): Promise<Measured<R>[]>;
  /**
   * The value of an earlier run under the same key, model, seed and protocol, else that of `compute`, which is kept: for
   * work that is not one clip's, such as a judge's answer to a question.
   */
  remember<R extends Json>(key: string, compute: () => Promise<R>): Promise<R>;
  /** A generator for one purpose: the same seed and purpose give the same numbers, whatever else is drawn. */
  random(purpose: string): Random;
  /** How far a stage that `measure` does not see has come. */
  progress(label: string, done: number, total?: number): void;
  /** A line on stderr. */
  note(message: string): void;
  warn(message: string): void;
}

export type PublishedValues = Readonly<Partial<Record<PublishedMeasure, number>>>;

/** A chapter of the report. Figures first, then plots, tables, players, notes. */
export interface Section {
  readonly title: string;
  readonly figures?: readonly Figure[];
  /** Own values that have a published counterpart: shown as a row below the published systems. */
  readonly published?: PublishedValues;
  readonly plots?: readonly Plot[];
  readonly tables?: readonly Table[];
  readonly players?: readonly Player[];
  /** Plain sentences: what a reader must know to judge the figures. */
  readonly notes?: readonly string[];
}

/** One measured number. */
export interface Figure {
  /** Stable, lower-case: `wer`, `purity-sqrt`. Unique in the task. */
  readonly id: string;
  readonly name: string;
  /** In `unit`; percentages as 0 to 100. NaN where it could not be measured (`null` in report.json). */
  readonly value: number;
  /** `%`, `dB`, `bit/s`, `Hz`, …; none for pure numbers. */
  readonly unit?: string | undefined;
  /** 95 % confidence, in `unit`. */
  readonly interval?: readonly [low: number, high: number] | undefined;
  /** How many it was measured on. */
  readonly n?: number | undefined;
  /** What `n` counts; `clips` by default. */
  readonly of?: string | undefined;
  readonly better?: "lower" | "higher" | undefined;
  /** Threshold that must be met, in `unit`; needs `better`. */
  readonly must?: number | undefined;
  /** Threshold aimed at, in `unit`; needs `better`. */
  readonly aim?: number | undefined;
  /** Digits after the point; chosen by size where not given. */
  readonly digits?: number | undefined;
  /** One of the few figures that the report opens with. */
  readonly headline?: boolean | undefined;
}

/** Numbers are right-aligned and formatted by the report; `null` is shown as a dash. */
export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  readonly note?: string | undefined;
}

interface PlotBase {
  readonly title: string;
  /** Names with units: `Mean opinion score`. */
  readonly xLabel?: string | undefined;
  readonly yLabel?: string | undefined;
  readonly note?: string | undefined;
}

export interface ScatterPlot extends PlotBase {
  readonly kind: "scatter";
  /** Points with the group that colours them and a name shown on hovering. */
  readonly points: readonly {
    readonly x: number;
    readonly y: number;
    readonly group?: string;
    readonly name?: string;
  }[];
}

export interface BarPlot extends PlotBase {
  readonly kind: "bars";
  readonly bars: readonly {
    readonly name: string;
    readonly value: number;
    readonly interval?: readonly [low: number, high: number] | undefined;
  }[];
  readonly unit?: string | undefined;
}

export interface LinePlot extends PlotBase {
  readonly kind: "lines";
  readonly lines: readonly { readonly name: string; readonly x: readonly number[]; readonly y: readonly number[] }[];
  readonly logX?: boolean | undefined;
}

export interface HistogramPlot extends PlotBase {
  readonly kind: "histogram";
  /** Raw values by group; the report bins them. */
  readonly groups: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** Counts or shares: `values[row][column]`. */
export interface HeatPlot extends PlotBase {
  readonly kind: "heat";
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly values: readonly (readonly number[])[];
}

export type Plot = ScatterPlot | BarPlot | LinePlot | HistogramPlot | HeatPlot;

/** Sounds of one clip to compare by ear: original, decoded, … The report keeps the first few of a section, cut to 12 s. */
export interface Player {
  readonly title: string;
  readonly sounds: readonly Sound[];
  /** Texts under the sounds: what was said, what was heard. */
  readonly texts?: Readonly<Record<string, string>> | undefined;
}

export interface Sound {
  readonly name: string;
  /** Mono, in [-1, 1]. */
  readonly samples: Float32Array;
  /** Hz. */
  readonly sampleRate: number;
}
