/** What a report says of a run besides its curves. */
import { availableParallelism, cpus, release, totalmem, type } from "node:os";

/** One source of training data. */
export interface DataSource {
  readonly name: string;
  /** What it is used for, such as "train" or "validation". */
  readonly split?: string;
  /** Clips or rows. */
  readonly rows?: number;
  readonly seconds?: number;
  /** Share in the mixture. */
  readonly weight?: number;
  readonly licence?: string;
}

/** What is known of a run when it starts. */
export interface RunInfo {
  readonly title: string;
  /** The command line or the call that started it. */
  readonly command?: string;
  readonly totalSteps?: number;
  readonly seed: number;
  /** The configuration in full, as YAML. */
  readonly config: string;
  readonly sources: readonly DataSource[];
  /** Versions by name: this program, the runtime, models started from. */
  readonly versions: Readonly<Record<string, string>>;
  /** More facts by name, such as the count of parameters. */
  readonly facts?: Readonly<Record<string, string | number>>;
}

/** How a run stands. */
export interface RunStatus {
  readonly state: "running" | "finished" | "stopped" | "failed";
  /** One line: the error, or where to go on. */
  readonly reason?: string;
}

/** The machine in words, without its name or its user's. */
export function describeMachine(): Record<string, string> {
  const model = cpus()[0]?.model.trim() || "unknown processor";
  return {
    Processor: `${model}, ${availableParallelism()} threads`,
    Memory: `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    System: `${type()} ${release()}, ${process.arch}`,
    "Node.js": process.version,
  };
}
