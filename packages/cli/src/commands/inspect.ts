/** `uat inspect`: facts about a model or a file. */
import { Command } from "commander";
import { revisionOption } from "../options.ts";

export const inspectCommand = (): Command =>
  new Command("inspect")
    .description("Show what a model, an audio file or a file of tensors holds.")
    .argument("<model|file>", "base, a model directory or hub id; or an audio, safetensors, pt or npy file")
    .addOption(revisionOption())
    .option("--json", "print the facts as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ uat inspect base
  $ uat inspect ./my-model --json
  $ uat inspect speech.flac
  $ uat inspect my-model/decoder/flow.pt`,
    )
    .action(async (target: string, _options, command: Command) => {
      const { inspect } = await import("../actions/inspect.ts");
      await inspect(target, command);
    });
