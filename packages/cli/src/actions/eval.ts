/** The work of `uat eval`: model, clips, results and report around the parts of the suite. */
import { mkdir } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Evaluation } from "@uat/evaluation";
import { type ModelSource, modelDigest, ResultStore, runEvaluation, writeError } from "@uat/evaluation/node";
import { PlayerSounds, type TaskReport } from "@uat/evaluation/report";
import type { ColumnNames } from "@uat/training";
import type { Command } from "commander";
import { AudioDecoder, AudioTokenizer } from "universal-audio-tokenizer";
import { endBySignal, endInOrder } from "../interrupt.ts";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { Reporter } from "../output/reporter.ts";
import { printLine } from "../output/standard-output.ts";
import { InputClips } from "./eval-clips.ts";
import { earlierTasks, readReport, writeReport } from "./eval-report.ts";

declare const UAT_VERSION: string;

/** Options of all parts. */
export interface EvalOptions extends GlobalOptions {
  readonly model: string;
  readonly revision?: string;
  readonly dtype: "fp32" | "q8";
  readonly out: string;
  readonly seed: number;
  readonly limit?: number;
  readonly column: ColumnNames;
  readonly where: readonly (readonly [string, string])[];
}

/** What parts may need before they run. */
export interface Setup<O extends EvalOptions = EvalOptions> {
  readonly options: O;
  readonly reporter: Reporter;
  /** Called at the end, the last first. */
  readonly closing: (() => Promise<void>)[];
}

/** Runs a part into the report of its folder. */
export async function evaluate<O extends EvalOptions>(
  inputs: readonly string[],
  command: Command,
  open: (setup: Setup<O>) => Evaluation | Promise<Evaluation>,
): Promise<void> {
  const options = command.optsWithGlobals<O>();
  const reporter = new Reporter(options.quiet ?? false);
  const abort = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const takeBack = endInOrder((signal) => {
    stoppedBy = signal;
    reporter.note("ending after this step; once more to end at once");
    abort.abort();
  });
  const closing: (() => Promise<void>)[] = [];
  try {
    const evaluation = await open({ options, reporter, closing });
    await run({ inputs, command, evaluation, options, reporter, signal: abort.signal, closing });
  } catch (error) {
    if (!stoppedBy) throw error;
    reporter.note(`stopped; run the same command again to go on from ${join(options.out, "results.jsonl")}`);
  } finally {
    takeBack();
    for (const close of closing.reverse()) await close();
  }
  if (stoppedBy) endBySignal(stoppedBy);
}

interface Run extends Setup {
  readonly inputs: readonly string[];
  readonly command: Command;
  readonly evaluation: Evaluation;
  readonly signal: AbortSignal;
}

async function run({ inputs, command, evaluation, options, reporter, signal, closing }: Run): Promise<void> {
  const { out, seed, limit, column: columns, where } = options;
  await mkdir(out, { recursive: true }).catch((error) => {
    throw writeError(out, error);
  });
  const earlier = await earlierTasks(out, (message) => reporter.warn(message));
  const store = await ResultStore.open(join(out, "results.jsonl"));
  closing.push(() => store.close());
  if (store.damaged > 0)
    reporter.warn(`${join(out, "results.jsonl")}: ${store.damaged} damaged lines; their clips are measured again`);
  const clock = new Clock();
  const onProgress = (label: string, done: number, total: number | undefined) =>
    reporter.progress(label, total ? done / total : undefined, clock.tell(label, done, total));
  const source = new InputClips(inputs, { columns, where, limit, seed, onProgress, signal });
  closing.push(() => source.close());
  const model = evaluation.needsModel ? await openModelSource(command, options, reporter, closing) : undefined;
  const sounds = new PlayerSounds();
  const task = await runEvaluation(evaluation, {
    inputs,
    source,
    model,
    store,
    seed,
    signal,
    command: `uat ${process.argv.slice(2).join(" ")}`,
    machine: machineFacts(options.device),
    keepPlayer: (player) => sounds.keep(player),
    onProgress,
    onNote: (message) => reporter.note(message),
    onWarning: (message) => reporter.warn(message),
  });
  signal.throwIfAborted();
  // the other parts that were measured into this folder stay in its report
  const others = earlier.filter((kept) => kept.task.task !== task.task);
  await writeReport(out, [...others, { task, sounds: sounds.files }]);
  reporter.clear();
  await printLine(summary(task));
  await printLine(`→ ${join(out, "report.html")}, report.md, report.json`);
}

/** The headline figures in one line. */
function summary({ task, sections }: TaskReport): string {
  const figures = sections.flatMap((section) => section.figures.filter((figure) => figure.headline));
  const words = figures.map(({ name, value, unit, digits }) => {
    const rounded = (known: number) => Number(digits === undefined ? known.toPrecision(3) : known.toFixed(digits));
    const number = value === null ? "not measured" : rounded(value);
    return `${name} ${number}${unit && value !== null ? ` ${unit}` : ""}`;
  });
  return `${task}: ${words.join("; ") || "done"}`;
}

async function openModelSource(
  command: Command,
  { model: name, dtype }: EvalOptions,
  reporter: Reporter,
  closing: (() => Promise<void>)[],
): Promise<ModelSource> {
  const options = modelOptions(command, reporter);
  const digest = await modelDigest(name, options);
  const once = <T extends { dispose(): Promise<void> }>(load: () => Promise<T>) => {
    let loaded: Promise<T> | undefined;
    return () => {
      if (!loaded) {
        const loading = load();
        loaded = loading;
        closing.push(async () => (await loading.catch(() => undefined))?.dispose());
      }
      return loaded;
    };
  };
  return {
    ...digest,
    settings: dtype,
    tokenizer: once(() => AudioTokenizer.fromPretrained(name, { ...options, dtype })),
    decoder: once(() => AudioDecoder.fromPretrained(name, options)),
  };
}

const machineFacts = (device: string): Record<string, string> => ({
  Software: `universal-audio-tokenizer ${UAT_VERSION}, Node ${process.versions.node}`,
  Machine: `${cpus()[0]?.model.trim() ?? process.arch}, ${cpus().length} threads, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, device ${device}`,
});

/** How long a stage will still take. */
class Clock {
  #label = "";
  #started = 0;
  #first = 0;

  tell(label: string, done: number, total: number | undefined): string {
    // a stage's name may be followed by the clip it is at
    const stage = label.split(":")[0]!;
    if (stage !== this.#label || done < this.#first) {
      this.#label = stage;
      this.#started = Date.now();
      this.#first = done;
    }
    if (!total) return String(done);
    const seconds = (((Date.now() - this.#started) / 1000) * (total - done)) / Math.max(1, done - this.#first);
    return `${done} of ${total}${done > this.#first && done < total ? `, ${duration(seconds)} left` : ""}`;
  }
}

const duration = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
      ? `${Math.round(seconds / 60)} min`
      : `${(seconds / 3600).toFixed(1)} h`;

/** `uat eval report`: several runs on one page. */
export async function mergeReports(paths: readonly string[], command: Command): Promise<void> {
  const { out } = command.optsWithGlobals<{ out: string }>();
  const kept = (await Promise.all(paths.map((path) => readReport(path)))).flat();
  await writeReport(out, kept);
  await printLine(
    `→ ${kept.length} parts of ${paths.length} runs: ${join(out, "report.html")}, report.md, report.json`,
  );
}
