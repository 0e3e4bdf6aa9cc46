/**
 * What a training run tells of itself, in one place: rows in `metrics.jsonl`, TensorBoard's event files, samples and
 * `report.html`. A step costs the loop well under a millisecond; the page is written when {@link RunLog.flush} is called.
 */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Curves } from "./curves.ts";
import { EventFile } from "./event-file.ts";
import type { SummaryValue } from "./event-messages.ts";
import { writeAtomically, writeError } from "./files.ts";
import { type MetricRow, MetricsLog } from "./metrics-log.ts";
import { reportPage } from "./report-page.ts";
import { describeMachine, type RunInfo, type RunStatus } from "./run-info.ts";
import { type Sample, SampleStore } from "./samples.ts";

/** Events wait for this many rows or milliseconds. */
const BATCH = 50;
const INTERVAL = 1000;

export interface RunLogOptions {
  readonly runInfo: RunInfo;
  /** Continues the run in the folder after this step; whatever was logged of later steps is dropped. */
  readonly resumeStep?: number | undefined;
}

/** A row of an evaluation: `split` names the data. */
export interface EvaluationRow extends MetricRow {
  readonly split: string;
}

export class RunLog {
  readonly folder: string;
  readonly #info: RunInfo;
  readonly #resumeStep: number | undefined;
  readonly #metrics: MetricsLog;
  readonly #samples: SampleStore;
  readonly #curves: Curves;
  /** By folder: training's, and the samples, in the run's own, "". */
  readonly #events = new Map<string, EventFile>();
  readonly #started = Date.now();
  #steps = 0;
  #waiting = 0;
  #flushed = Date.now();
  #closed = false;

  private constructor(folder: string, options: RunLogOptions, metrics: MetricsLog, curves: Curves) {
    this.folder = folder;
    this.#info = options.runInfo;
    this.#resumeStep = options.resumeStep;
    this.#metrics = metrics;
    this.#curves = curves;
    this.#samples = SampleStore.open(join(folder, "samples"), options.resumeStep);
  }

  /**
   * Opens the log of a run in `folder`, which is made if missing, and writes a first report.
   * @throws TrainingError when a run is there already and `resumeStep` is not given, when what is there cannot be read,
   * or nothing can be written.
   */
  static async open(folder: string, options: RunLogOptions): Promise<RunLog> {
    const { resumeStep, runInfo } = options;
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw writeError(folder, error);
    }
    const path = join(folder, "metrics.jsonl");
    const curves = new Curves();
    const metrics =
      resumeStep === undefined
        ? MetricsLog.create(path)
        : await MetricsLog.resume(path, resumeStep, (row) => curves.add(row));
    try {
      const log = new RunLog(folder, options, metrics, curves);
      log.#open("");
      // what an evaluation said of steps that are taken back is taken back too
      for (const split of eventFolders(folder)) log.#open(split);
      if (resumeStep === undefined)
        log.#add("", 0, [{ kind: "text", tag: "configuration", text: runInfo.config.replace(/^/gm, "    ") }]);
      await log.flush();
      return log;
    } catch (error) {
      metrics.close();
      throw error;
    }
  }

  /** The row of a training step. @throws TrainingError on a full disk. */
  step(row: MetricRow): void {
    this.#steps++;
    this.#row("", row);
  }

  /** The row of an evaluation, such as `{ step, split: "validation", loss, wer }`. @throws TrainingError on a full disk. */
  evaluation(row: EvaluationRow): void {
    this.#row(row.split, row);
  }

  /** What the model makes of a clip at a step. @throws TrainingError when it cannot be written. */
  sample(sample: Sample): void {
    this.#add("", sample.step, this.#samples.add(sample));
  }

  /** Writes everything, the report too. Call it after an evaluation and at a checkpoint. @throws TrainingError */
  async flush(status: RunStatus = { state: "running" }): Promise<void> {
    this.#flushEvents();
    await this.#samples.save();
    const page = reportPage({
      info: this.#info,
      status,
      curves: this.#curves,
      samples: this.#samples,
      machine: describeMachine(),
      resumeStep: this.#resumeStep,
      seconds: (Date.now() - this.#started) / 1000,
      steps: this.#steps,
      written: new Date(),
    });
    await writeAtomically(join(this.folder, "report.html"), page);
  }

  /** Writes everything a last time and closes the files. @param status how the run ended; finished unless said. */
  async close(status: RunStatus = { state: "finished" }): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await this.flush(status);
    } finally {
      this.#metrics.close();
      for (const file of this.#events.values()) file.close();
    }
  }

  #row(split: string, row: MetricRow): void {
    this.#metrics.append(row);
    this.#curves.add(row);
    const values: SummaryValue[] = [];
    for (const [name, value] of Object.entries(row))
      if (name !== "step" && typeof value === "number") values.push({ kind: "scalar", tag: name, value });
    this.#add(split, row.step, values);
    if (this.#waiting >= BATCH || Date.now() - this.#flushed >= INTERVAL) this.#flushEvents();
  }

  #add(split: string, step: number, values: readonly SummaryValue[]): void {
    const folder = split.replace(/[^\w-]+/g, "-");
    (this.#events.get(folder) ?? this.#open(folder)).add(step, values);
    this.#waiting++;
  }

  /** TensorBoard lays runs of neighbouring folders over each other: one of training, one of each split. */
  #open(folder: string): EventFile {
    const file = EventFile.open(join(this.folder, folder), this.#resumeStep);
    this.#events.set(folder, file);
    return file;
  }

  #flushEvents(): void {
    for (const file of this.#events.values()) file.flush();
    this.#waiting = 0;
    this.#flushed = Date.now();
  }
}

/** Folders of a run that hold event files of their own. */
function eventFolders(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .filter((name) => readdirSync(join(folder, name)).some((file) => file.startsWith("events.out.tfevents.")));
}
