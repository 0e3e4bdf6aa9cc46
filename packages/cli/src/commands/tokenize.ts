/** `uat tokenize`: audio files to codes. */
import { Command, Option } from "commander";
import { channelOption, dtypeOption, modelOption, revisionOption } from "../options.ts";
import { CODES_FORMATS } from "../output/codes-format.ts";

export const tokenizeCommand = (): Command =>
  new Command("tokenize")
    .description("Turn audio files into codes.")
    .argument("<file...>", "wav, flac, mp3, ogg, opus, m4a or webm; - for standard input")
    .addOption(modelOption())
    .addOption(revisionOption())
    .addOption(
      new Option(
        "-f, --format <format>",
        "by default that of --out's ending; else json, jsonl for several files",
      ).choices(CODES_FORMATS),
    )
    .option("-o, --out <file>", "where the codes go; - for standard output", "-")
    .option("--keep-going", "leave out files that cannot be read, name them, and end with exit code 3")
    .addOption(channelOption())
    .addOption(dtypeOption())
    .addHelpText(
      "after",
      `
Formats: json, one object, or an array of them for several files; jsonl, one object a line, in the order of the files;
npy, int32 [T], or [B, 1, T] padded with -1 for several files; txt, codes separated by blanks, one line a file.
An object is {"path":…,"codes":[…],"frameRate":25,"codebookSize":8192,"duration":…}.

Examples:
  $ uat tokenize speech.wav
  $ uat tokenize a.mp3 b.flac --out codes.jsonl
  $ uat tokenize corpus/*.ogg --keep-going --out codes.jsonl
  $ uat tokenize stereo.wav --channel mean --format npy --out codes.npy
  $ cat speech.wav | uat tokenize - --format txt`,
    )
    .action(async (paths: string[], _options, command: Command) => {
      const { tokenize } = await import("../actions/tokenize.ts");
      await tokenize(paths, command);
    });
