/** `uat eval`: how good a model's codes are, part by part, with a report beside published figures. */
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

const outOption = (): Option =>
  new Option(
    "-o, --out <directory>",
    "where report.html, report.md, report.json and results.jsonl go",
  ).makeOptionMandatory();

/** A part of the suite with the options that all have. */
const part = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .argument("<input...>", "audio files, folders, lists (.jsonl .csv .tsv) or .parquet")
    .addOption(outOption())
    .addOption(modelOption())
    .addOption(revisionOption())
    .addOption(dtypeOption())
    .addOption(new Option("--seed <n>", "of every random draw").default(42).argParser(wholeNumber(0, 0xffffffff)))
    .addOption(new Option("--limit <n>", "no more clips than these, drawn by the seed").argParser(wholeNumber(1, 1e9)))
    .addOption(
      new Option("--column <role=name>", `a list's column by its role: ${ROLES.join(", ")}; repeat for several`)
        .default({}, "the usual names")
        .argParser(columnName),
    )
    .addOption(
      new Option("--where <column=value>", "only clips with this value; repeat for several")
        .default([], "all")
        .argParser(condition),
    );

const clustering = (): Command =>
  part("clustering", "Do clips of one class have like codes? Silhouette, k-means purity, nearest clips, a picture.")
    .addHelpText(
      "after",
      `
Classes are the folders that hold the clips, or a list's label column. A folder with meta/esc50.csv, and lists with the
classes of ESC-50, are reported as ESC-50 and ESC-10.

Examples:
  $ uat eval clustering sounds/ --out report
  $ uat eval clustering ESC-50/ --where esc10=True --out report
  $ uat eval clustering clips.parquet --column label=class --model ./my-model --out report`,
    )
    .action(async (inputs: string[], _options, command: Command) => {
      const [{ evaluate }, { clusterEvaluation }] = await Promise.all([
        import("../actions/eval.ts"),
        import("@uat/evaluation"),
      ]);
      await evaluate(inputs, command, [clusterEvaluation()]);
    });

const tokens = (): Command =>
  part("tokens", "What codes cost, how much of the codebook they use, and whether noise or a new level changes them.")
    .addHelpText(
      "after",
      `
Examples:
  $ uat eval tokens speech/ --out report
  $ uat eval tokens sounds/ music.flac --limit 60 --model ./my-model --out report`,
    )
    .action(async (inputs: string[], _options, command: Command) => {
      const [{ evaluate }, { tokenEvaluation }] = await Promise.all([
        import("../actions/eval.ts"),
        import("@uat/evaluation"),
      ]);
      await evaluate(inputs, command, [tokenEvaluation()]);
    });

const report = (): Command =>
  new Command("report")
    .description("Put the results of several runs on one page.")
    .argument("<directory...>", "--out folders of earlier runs")
    .addOption(outOption())
    .addHelpText(
      "after",
      `
Figures of different models stand side by side.

Example:
  $ uat eval report before after --out comparison`,
    )
    .action(async (paths: string[], _options, command: Command) => {
      const { mergeReports } = await import("../actions/eval.ts");
      await mergeReports(paths, command);
    });

export function evalCommand(): Command {
  const command = new Command("eval")
    .description("Measure a model: clustering, tokens, …; with a report beside published figures.")
    .addHelpText(
      "after",
      `
A run that was stopped goes on where it was when the same command is given again. Parts run with the same --out share
one report. docs/evaluation.md says how each figure is made.`,
    );
  for (const one of [clustering(), tokens(), report()]) command.addCommand(one);
  return command;
}
