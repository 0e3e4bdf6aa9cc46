/** `uat quantize`: int8 weights on disk, with what they cost. */
import { Command, Option } from "commander";
import { revisionOption, wholeNumber } from "../options.ts";

export const quantizeCommand = (): Command =>
  new Command("quantize")
    .description("Write a tokenizer, or the describer of a training checkpoint, with int8 weights; measure the cost.")
    .argument("<model>", "base, a model directory, a checkpoint of uat train, or a hub id")
    .requiredOption("-o, --out <directory>", "where the model goes")
    .addOption(new Option("--part <part>", "what is written").choices(["tokenizer", "describer"]).default("tokenizer"))
    .addOption(
      new Option(
        "--vocabulary <merges>",
        "keep this many merges of the describer's vocabulary (default: all)",
      ).argParser(wholeNumber(0)),
    )
    .option("--audio <file...>", "clips that the cost is measured on (default: the embedded samples)")
    .addOption(revisionOption())
    .addHelpText(
      "after",
      `
tokenizer: DIR/tokenizer/ with the encoder's linear layers in int8, but for modules_to_not_convert of its config.json.
Printed: sizes, the share of codes equal to those of the float weights, and seconds of work a second of audio; computed
in fp32 (--dtype fp32) and with int8 products (--dtype q8).
describer: DIR with config.json, model.safetensors and tokenizer.json, for uat describe --describer DIR. Printed: sizes,
clips with the same answer, and characters of the answers that differ.

Examples:
  $ uat quantize base --out base-int8
  $ uat quantize run/checkpoint-600 --part describer --vocabulary 8192 --out base-sap --audio dev/*.flac`,
    )
    .action(async (model: string, _options, command: Command) => {
      const { quantize } = await import("../actions/quantize.ts");
      await quantize(model, command);
    });
