/** Options that parts of `uat eval` share. */
import { Command, InvalidArgumentError, Option } from "commander";
import { dtypeOption, modelOption, revisionOption, wholeNumber } from "../options.ts";

const ROLES = ["audio", "label", "text", "speaker", "language"] as const;

/** `label=category` → the names that lists are read with. */
function columnName(text: string, before: Record<string, string>): Record<string, string> {
  const [, role, name] = /^([a-z]+)=(.+)$/s.exec(text) ?? [];
  if (!role || !name || !(ROLES as readonly string[]).includes(role))
    throw new InvalidArgumentError(`Expected one of ${ROLES.join(", ")}, then =NAME.`);
  return { ...before, [role === "label" ? "tags" : role]: name };
}

function condition(text: string, before: [string, string][]): [string, string][] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Expected COLUMN=VALUE.");
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

export const outOption = (): Option =>
  new Option(
    "-o, --out <directory>",
    "where report.html, report.md, report.json and results.jsonl go",
  ).makeOptionMandatory();

/** A part with what all have: a folder, a seed, a limit. */
export const part = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .addOption(outOption())
    .addOption(new Option("--seed <n>", "of every random draw").default(42).argParser(wholeNumber(0, 0xffffffff)))
    .addOption(new Option("--limit <n>", "no more than these, drawn by the seed").argParser(wholeNumber(1, 1e9)))
    // parts over lists of their own take none of these, but are run with them
    .addOption(new Option("--column <role=name>").default({}).argParser(columnName).hideHelp())
    .addOption(new Option("--where <column=value>").default([]).argParser(condition).hideHelp());

/** What is measured is a model's. */
export const withModel = (command: Command): Command =>
  command.addOption(modelOption()).addOption(revisionOption()).addOption(dtypeOption());

/** A part over clips. */
export function clipPart(name: string, description: string): Command {
  const command = part(name, description).argument(
    "<input...>",
    "audio files, folders, lists (.jsonl .csv .tsv) or .parquet",
  );
  const [column, where] = command.options.slice(-2) as [Option, Option];
  column.hideHelp(false).description = `a list's column by its role: ${ROLES.join(", ")}; repeat for several`;
  where.hideHelp(false).description = "only clips with this value; repeat for several";
  column.defaultValueDescription = "the usual names";
  where.defaultValueDescription = "all";
  return command;
}

/** Networks that listen; their weights are not part of the package. */
export const withNetworks = (command: Command): Command =>
  command
    .option("--whisper <directory>", "a Whisper checkpoint in Hugging Face's layout, for word error rates")
    .option("--metrics <directory>", "folder with the networks of metrics (DNSMOS, speaker encoder)");

/** A language model behind OpenAI's chat completions. The key comes from the environment. */
export const withEndpoint = (command: Command): Command =>
  command
    .option("--endpoint <url>", "any endpoint with OpenAI's chat completions; UAT_ENDPOINT_KEY holds its key")
    .option("--endpoint-model <name>", "the model that answers there")
    .addOption(new Option("--concurrency <n>", "requests at the same time").default(4).argParser(wholeNumber(1, 256)))
    .addOption(new Option("--max-tokens <n>", "of an answer (default: the endpoint's)").argParser(wholeNumber(1, 1e6)));
