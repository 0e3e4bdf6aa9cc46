/** `uat reconstruct`: audio files to codes and back, to hear and see what the codes keep. */
import { Command, Option } from "commander";
import { channelOption, dtypeOption, modelOption, revisionOption, wholeNumber } from "../options.ts";

export const reconstructCommand = (): Command =>
  new Command("reconstruct")
    .description("Turn audio into codes and back: hear what the codes keep.")
    .argument("[file...]", "audio files; - for standard input")
    .option("--samples", "the clips that come with the package: speech, music, a sound scene")
    .option("-o, --out-dir <directory>", "where NAME.wav and NAME.png go", "reconstruction")
    .option("--plot", "draw NAME.png: spectrograms of input and output, and the codes")
    .addOption(
      new Option("-f, --format <format>", "print all codes in this form instead of a preview").choices([
        "json",
        "jsonl",
        "txt",
      ]),
    )
    .addOption(modelOption())
    .addOption(revisionOption())
    .addOption(channelOption())
    .addOption(dtypeOption())
    .addOption(new Option("--seed <n>", "seed of the random draws").default(42).argParser(wholeNumber(0)))
    .addOption(
      new Option("--window <codes>", "codes of context kept while decoding (default: all)").argParser(wholeNumber(1)),
    )
    .addOption(new Option("--encoding <type>", "samples of the wav files").choices(["s16", "f32"]).default("s16"))
    .addHelpText(
      "after",
      `
Examples:
  $ uat reconstruct --samples --plot
  $ uat reconstruct speech.wav music.mp3 --out-dir compare --plot
  $ uat reconstruct speech.wav --model ./my-model --format json`,
    )
    .action(async (paths: string[], _options, command: Command) => {
      const { reconstruct } = await import("../actions/reconstruct.ts");
      await reconstruct(paths, command);
    });
