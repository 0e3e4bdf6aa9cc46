/** A TensorBoard event file: what happens in a run, appended record by record and read while it grows. */
import { closeSync, mkdirSync, openSync, readdirSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type SummaryValue, startEvent, summaryEvent, versionEvent } from "./event-messages.ts";
import { frameRecord } from "./event-records.ts";
import { writeError } from "./files.ts";

const NAME = /^events\.out\.tfevents\.(\d{1,12})\./;

/** Scalars, pictures, sounds and texts of a run. Values gather in memory until {@link EventFile.flush}. */
export class EventFile {
  readonly path: string;
  readonly #file: number;
  readonly #pending: Uint8Array[] = [];
  #closed = false;

  private constructor(path: string, file: number) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Starts a file in `folder`, which is made if missing. TensorBoard reads the files of a folder in order of their
   * names, `events.out.tfevents.TIMESTAMP.HOST`, so the time is later than that of any file already there.
   * @param resumeStep the step that the run goes on from: all that earlier files say of later steps is taken back.
   * @throws TrainingError when the folder or the file cannot be written.
   */
  static open(folder: string, resumeStep?: number): EventFile {
    try {
      mkdirSync(folder, { recursive: true });
      const earlier = readdirSync(folder).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
      const timestamp = Math.max(Math.floor(Date.now() / 1000), ...earlier.map((time) => time + 1));
      const host = hostname().replace(/[^\w.-]/g, "-") || "localhost";
      const path = join(folder, `events.out.tfevents.${String(timestamp).padStart(10, "0")}.${host}`);
      const events = new EventFile(path, openSync(path, "ax"));
      const wallTime = Date.now() / 1000;
      events.#push(versionEvent(wallTime));
      // a new run says so too: readers take the first start they see for the beginning, whatever its step
      events.#push(startEvent({ wallTime, step: resumeStep === undefined ? 0 : resumeStep + 1 }));
      events.flush();
      return events;
    } catch (error) {
      throw writeError(folder, error);
    }
  }

  /** Values of one step. */
  add(step: number, values: readonly SummaryValue[], wallTime = Date.now() / 1000): void {
    if (values.length > 0) this.#push(summaryEvent({ wallTime, step }, values));
  }

  /** Writes what has gathered. @throws TrainingError on a full disk. */
  flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = Buffer.concat(this.#pending);
    this.#pending.length = 0;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
    } catch (error) {
      throw writeError(this.path, error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.flush();
    } finally {
      closeSync(this.#file);
    }
  }

  #push(message: Uint8Array): void {
    this.#pending.push(frameRecord(message));
  }
}
