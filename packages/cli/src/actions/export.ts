/** The work of `uat export`. */
import { join } from "node:path";
import type { Command } from "commander";
import { exportModel, openModel } from "universal-audio-tokenizer/internal";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { withOutputs } from "../output/outputs.ts";
import { formatBytes, Reporter } from "../output/reporter.ts";
import { printLine } from "../output/standard-output.ts";

interface Options extends GlobalOptions {
  readonly out: string;
  readonly dtype: "fp32" | "q8";
}

export async function exportFiles(model: string, command: Command): Promise<void> {
  const { out, dtype, quiet = false } = command.optsWithGlobals<Options>();
  const reporter = new Reporter(quiet);
  const files = await openModel(model, modelOptions(command, reporter));
  const written = await withOutputs((outputs) =>
    exportModel(files, (path) => outputs.open(join(out, path)), {
      dtype,
      onFile: ({ path }) => reporter.progress(path, undefined, "written"),
    }),
  );
  reporter.clear();
  for (const { path, bytes } of written) await printLine(`${join(out, path)}  ${formatBytes(bytes)}`);
}
