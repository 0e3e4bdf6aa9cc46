/** The work of `uat pull`. */
import type { Command } from "commander";
import { downloadHubModel } from "universal-audio-tokenizer/internal";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { Reporter } from "../output/reporter.ts";
import { printLine } from "../output/standard-output.ts";

export async function pull(id: string, command: Command): Promise<void> {
  const { quiet = false } = command.optsWithGlobals<GlobalOptions>();
  const reporter = new Reporter(quiet);
  const { revision, progress_callback, onLicense } = modelOptions(command, reporter);
  const directory = await downloadHubModel(id, { revision, progress_callback, onLicense });
  reporter.clear();
  await printLine(directory);
}
