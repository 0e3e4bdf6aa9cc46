/** The command line as a whole: global options and one command a file. */
import { Command, Option } from "commander";
import { decodeCommand } from "./commands/decode.ts";
import { describeCommand } from "./commands/describe.ts";
import { evalCommand } from "./commands/eval.ts";
import { exportCommand } from "./commands/export.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { pullCommand } from "./commands/pull.ts";
import { quantizeCommand } from "./commands/quantize.ts";
import { reconstructCommand } from "./commands/reconstruct.ts";
import { serveCommand } from "./commands/serve.ts";
import { synthCommand } from "./commands/synth.ts";
import { tokenizeCommand } from "./commands/tokenize.ts";
import { trainCommand } from "./commands/train.ts";
import { EXIT_CODES_HELP, oneLine } from "./errors.ts";
import { wholeNumber } from "./options.ts";

declare const UAT_VERSION: string;

const EXAMPLES = `
Examples:
  $ uat tokenize speech.wav                     # codes as JSON
  $ uat tokenize *.flac --out codes.jsonl       # one row a file
  $ uat decode codes.json --out speech.wav      # and back
  $ uat reconstruct speech.wav --plot           # both, with a picture
  $ uat inspect base
  $ uat serve                                   # an API over HTTP and WebSocket
  $ uat train recipes/tiny/tokenizer.yaml --out run`;

export function program(): Command {
  const uat = new Command("uat")
    .description("Any audio to 25 tokens a second and back.")
    .version(UAT_VERSION, "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .addOption(
      new Option("--device <device>", "what runs the networks; auto is native code, else WebAssembly")
        .choices(["auto", "cpu", "wasm", "webgpu"])
        .default("auto"),
    )
    .addOption(
      new Option("--threads <n>", "threads of the networks (default: all cores)").argParser(wholeNumber(1, 1024)),
    )
    .option("-q, --quiet", "no progress and no warnings on stderr")
    .addHelpText("after", `${EXAMPLES}\n${EXIT_CODES_HELP}`);
  for (const command of [
    tokenizeCommand(),
    decodeCommand(),
    reconstructCommand(),
    describeCommand(),
    inspectCommand(),
    pullCommand(),
    exportCommand(),
    serveCommand(),
    quantizeCommand(),
    synthCommand(),
    trainCommand(),
    evalCommand(),
  ])
    uat.addCommand(command);
  for (const command of [uat, ...uat.commands, ...uat.commands.flatMap((one) => one.commands)]) {
    command
      .exitOverride()
      .helpCommand(false)
      .allowExcessArguments(false)
      .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(process.stdout.columns ?? 100, 110) })
      .configureOutput({
        writeErr: (text) => process.stderr.write(text),
        outputError: (text, write) =>
          write(`uat: ${oneLine(text.replace(/^error: /, ""))} (see ${fullName(command)} --help)\n`),
      });
  }
  // `uat` alone is a question, not a mistake
  return uat.action(() => uat.outputHelp());
}

/** `uat eval tokens` */
const fullName = (command: Command): string =>
  command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
