/** The work of `uat tokenize`. */
import type { Channel } from "@uat/audio";
import type { Command } from "commander";
import { AudioTokenizer } from "universal-audio-tokenizer";
import { InputError, isInputError, LeftOut, oneLine } from "../errors.ts";
import { audioFiles } from "../input/audio-files.ts";
import { type GlobalOptions, modelOptions } from "../options.ts";
import { type CodesFormat, chooseFormat, jsonOf, lineOf, type NamedCodes, npyOf } from "../output/codes-format.ts";
import { type OutputFile, withOutputs } from "../output/outputs.ts";
import { refuseOverwriting } from "../output/overwriting.ts";
import { Reporter } from "../output/reporter.ts";
import { standardOutput } from "../output/standard-output.ts";
import { tokenizeFile } from "./steps.ts";

export interface TokenizeOptions extends GlobalOptions {
  readonly model: string;
  readonly format?: CodesFormat;
  readonly out: string;
  readonly channel: Channel;
  readonly dtype: "fp32" | "q8";
  readonly keepGoing?: boolean;
}

export async function tokenize(paths: string[], command: Command): Promise<void> {
  const options = command.optsWithGlobals<TokenizeOptions>();
  const reporter = new Reporter(options.quiet ?? false);
  const format = chooseFormat(options.format, options.out, paths.length);
  if (format === "npy" && options.out === "-" && process.stdout.isTTY)
    throw new InputError("npy is not text: give --out FILE, or pipe it");
  if (options.keepGoing && format !== "jsonl" && format !== "json")
    throw new InputError(`--keep-going: rows of ${format} do not name their files; expected --format jsonl or json`);
  const files = await audioFiles(paths);
  await refuseOverwriting(paths, [options.out], "give another --out");
  const tokenizer = await AudioTokenizer.fromPretrained(options.model, {
    ...modelOptions(command, reporter),
    dtype: options.dtype,
  });
  let leftOut = 0;
  try {
    await withOutputs(async (outputs) => {
      const out: OutputFile = options.out === "-" ? standardOutput : await outputs.open(options.out);
      const rows: NamedCodes[] = [];
      for (const [i, file] of files.entries()) {
        const label = files.length > 1 ? `${file.path} (${i + 1} of ${files.length})` : file.path;
        const row = await tokenizeFile(tokenizer, file, { channel: options.channel, label, reporter }).catch(
          (error: unknown) => {
            if (!options.keepGoing || !isInputError(error)) throw error;
            leftOut++;
            reporter.warn(`left out: ${oneLine(error.message)}`);
            return undefined;
          },
        );
        reporter.clear();
        if (row === undefined) continue;
        if (format === "jsonl" || format === "txt") await out.write(Buffer.from(lineOf(row, format)));
        else rows.push(row);
      }
      if (format === "json") await out.write(Buffer.from(jsonOf(rows)));
      if (format === "npy") await out.write(await npyOf(rows));
    });
  } finally {
    await tokenizer.dispose();
  }
  if (leftOut > 0) throw new LeftOut(`${leftOut} of ${files.length} files left out`);
}
