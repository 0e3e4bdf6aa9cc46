/** `uat describe`: what is heard in audio files, in words. */
import { Command, Option } from "commander";
import type { DescribeTask } from "universal-audio-tokenizer";
import { channelOption, revisionOption, wholeNumber } from "../options.ts";

const TASKS = ["sap", "caption", "asr", "emotion"] as const satisfies readonly DescribeTask[];

export const describeCommand = (): Command =>
  new Command("describe")
    .description("Tell in words what is heard in audio, from its tokens: speech, its speaker, other sounds.")
    .argument("<file...>", "audio files, or codes as `uat tokenize` writes them; - for standard input")
    .addOption(
      new Option("-t, --task <task>", "sap: the answer in JSON; caption; asr: what is said; emotion")
        .choices(TASKS)
        .default("sap"),
    )
    .option(
      "--describer <model>",
      "base-sap (embedded), a describer's folder, or a checkpoint of uat train",
      "base-sap",
    )
    .option("-m, --model <model>", "the tokenizer that the describer belongs to (default: its own, else base)")
    .addOption(revisionOption())
    .addOption(channelOption())
    .addOption(
      new Option("--dtype <type>", "precision of the describer: fp32, or q8 (int8 products)")
        .choices(["fp32", "q8"])
        .default("fp32"),
    )
    .addOption(
      new Option("--max-tokens <n>", "most tokens of text for 30 s of audio").argParser(wholeNumber(1, 1_000_000)),
    )
    .option("--json", "one line of JSON a clip, with its pieces of at most 30 s")
    .option("-o, --out <file>", "where the answers go; - for standard output", "-")
    .addHelpText(
      "after",
      `
One clip is answered by indented JSON (sap) or a line of text; several, and --json, by one object a line:
{"path":…,"task":"sap","sap":{…}}, or "text" instead of "sap" for the other tasks. SAP JSON is always valid.

Examples:
  $ uat describe street.wav
  $ uat describe *.flac --out answers.jsonl
  $ uat describe interview.mp3 --task asr
  $ uat tokenize street.wav | uat describe - --task caption
  $ uat describe street.wav --describer run/checkpoint-600`,
    )
    .action(async (paths: string[], _options, command: Command) => {
      const { describe } = await import("../actions/describe.ts");
      await describe(paths, command);
    });
