/** `uat train`: a tokeniser, a flow or a vocoder, as a YAML file says. */
import { Command, Option } from "commander";
import { wholeNumber } from "../options.ts";

export const trainCommand = (): Command =>
  new Command("train")
    .description("Train a tokenizer, a flow or a vocoder as a configuration says.")
    .argument("<config>", "a YAML file; recipes/tiny has one of each kind")
    .requiredOption("-o, --out <directory>", "the run's folder: checkpoints, metrics and a report")
    .addOption(new Option("--steps <n>", "updates to make in all (default: the file's)").argParser(wholeNumber(1, 1e9)))
    .addOption(
      new Option("--save-every <n>", "steps between checkpoints (default: the file's)").argParser(wholeNumber(1, 1e9)),
    )
    .addOption(
      new Option("--seed <n>", "of every random draw (default: the file's)").argParser(wholeNumber(0, 0xffffffff)),
    )
    .option("--resume", "go on from the newest checkpoint in the run's folder")
    .addHelpText(
      "after",
      `
The folder holds metrics.jsonl (one row a step), checkpoint-N/ (the model in its official layout, with training/ for
going on), report.html (curves, samples, the configuration), events.out.tfevents.* for TensorBoard, and data/ for scenes
that the configuration asks the synthesiser for. Ctrl-C ends a run after its step with a checkpoint; a run that was
killed loses what came after its last checkpoint. docs/training.md lists every key of the file.

Examples:
  $ uat train recipes/tiny/tokenizer.yaml --out run
  $ uat train recipes/tiny/tokenizer.yaml --out run --steps 600 --resume
  $ uat tokenize speech.wav --model run/checkpoint-300`,
    )
    .action(async (config: string, _options, command: Command) => {
      const { trainModel } = await import("../actions/train.ts");
      await trainModel(config, command);
    });
