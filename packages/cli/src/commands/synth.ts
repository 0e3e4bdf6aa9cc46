/** `uat synth`: scenes with labels, composed from clips, voices and formulas. */
import { Command, Option } from "commander";
import { wholeNumber } from "../options.ts";

/** Pictures of `--plot` without a number. */
const PICTURES = 8;

export const synthCommand = (): Command =>
  new Command("synth")
    .description("Compose scenes of speech, events, backgrounds and music with exact labels, as a dataset.")
    .argument("<config>", "a YAML file that names sources and chances")
    .requiredOption("-o, --out <directory>", "where the Parquet files go; an unfinished run there is continued")
    .addOption(new Option("--count <n>", "scenes (default: the file's)").argParser(wholeNumber(1, 1e9)))
    .addOption(
      new Option("--seed <n>", "scene i depends on the seed and i alone (default: the file's)").argParser(
        wholeNumber(0),
      ),
    )
    .addOption(
      new Option("--split <name>", "which part of the sources is used (default: the file's)").choices([
        "train",
        "validation",
      ]),
    )
    .addOption(
      new Option("--plot [n]", `draw the first n scenes (${PICTURES}) and not only the first one`)
        .preset(PICTURES)
        .argParser((value) => (typeof value === "number" ? value : wholeNumber(0, 100_000)(value))),
    )
    .addHelpText(
      "after",
      `
Files: SPLIT-00000.parquet, … in the layout of Hugging Face data sets: audio {bytes, path}, text, task, sap, tags,
speaker, language, duration, sampling_rate and provenance (each source with its licence and what was done with it);
scene-000000.png, …: pictures of scenes; scenes.json: what is finished. docs/synthesis.md describes the YAML file.

Examples:
  $ uat synth recipes/tiny/scenes.yaml --out scenes
  $ uat synth scenes.yaml --out scenes --count 10000 --seed 7
  $ uat synth scenes.yaml --out scenes --split validation --count 200
  $ uat synth scenes.yaml --out look --count 8 --plot       # a picture of each of eight scenes`,
    )
    .action(async (config: string, _options, command: Command) => {
      const { synth } = await import("../actions/synth.ts");
      await synth(config, command);
    });
