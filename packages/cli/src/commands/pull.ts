/** `uat pull`: a hub model into the local cache. */
import { Command } from "commander";
import { revisionOption } from "../options.ts";

export const pullCommand = (): Command =>
  new Command("pull")
    .description("Download a model from the Hugging Face Hub into its cache and print where it is.")
    .argument("<id>", "hub id, org/name")
    .addOption(revisionOption())
    .addHelpText(
      "after",
      `
The cache is the hub's own: HF_HOME or HF_HUB_CACHE moves it. HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured.
An interrupted download goes on where it stopped.

Examples:
  $ uat pull tencent/Universal_Audio_Tokenizer
  $ uat pull org/name --revision v1.0`,
    )
    .action(async (id: string, _options, command: Command) => {
      const { pull } = await import("../actions/pull.ts");
      await pull(id, command);
    });
