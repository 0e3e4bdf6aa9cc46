/** The work of `uat train`. */
import { formatProgress, joinProcesses, type TrainOptions, train } from "@uat/training";
import type { Command } from "commander";
import { endBySignal, endInOrder, onInterrupt } from "../interrupt.ts";
import type { GlobalOptions } from "../options.ts";
import { Reporter } from "../output/reporter.ts";
import { printLine } from "../output/standard-output.ts";

declare const UAT_VERSION: string;

interface Options extends GlobalOptions {
  readonly out: string;
  readonly steps?: number;
  readonly saveEvery?: number;
  readonly seed?: number;
  readonly resume?: boolean;
}

export async function trainModel(config: string, command: Command): Promise<void> {
  const { out, steps, saveEvery, seed, resume, device, threads, quiet = false } = command.optsWithGlobals<Options>();
  const place = joinProcesses();
  if (place) return follow(config, { out, steps, saveEvery, seed, device, threads, collective: place });
  const reporter = new Reporter(quiet);
  const abort = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const takeBack = endInOrder((signal) => {
    stoppedBy = signal;
    reporter.note("ending after this step; once more to end at once");
    abort.abort();
  });
  try {
    const result = await train(config, {
      out,
      steps,
      saveEvery,
      seed,
      resume,
      device,
      threads,
      signal: abort.signal,
      worker: {
        command: process.execPath,
        args: [...process.execArgv, ...process.argv.slice(1)],
        onStart(child) {
          const forget = onInterrupt(() => child.kill("SIGKILL"));
          child.on("exit", forget);
        },
      },
      version: UAT_VERSION,
      command: `uat ${process.argv.slice(2).join(" ")}`,
      onProgress: (state) =>
        reporter.progress("training", state.step / state.totalSteps, formatProgress(state, lineWidth())),
      onWork: (label, done, total) =>
        reporter.progress(label, total > 0 ? done / total : undefined, `${done} of ${total}`),
      onNote: (message) => reporter.note(message),
      onWarning: (message) => reporter.warn(message),
    });
    reporter.clear();
    const { loss } = result.metrics;
    const told = loss === undefined ? "" : `, loss ${loss.toPrecision(4)}`;
    await printLine(`→ step ${result.steps}${told}: ${result.checkpoint ?? "no checkpoint"}; ${out}/report.html`);
  } finally {
    takeBack();
  }
  if (stoppedBy) endBySignal(stoppedBy);
}

/** A process that rank 0 has started: it ends when that one says so, or ends itself, whatever the terminal sends to both. */
async function follow(config: string, options: TrainOptions): Promise<void> {
  const ignore = () => void endInOrder(ignore);
  ignore();
  await train(config, options);
}

/** Columns left beside label and bar. */
const lineWidth = (): number => (process.stderr.isTTY ? Math.max(40, (process.stderr.columns ?? 80) - 44) : 200);
