/** `uat decode`: codes to an audio file. */
import { Command, Option } from "commander";
import { modelOption, revisionOption, wholeNumber } from "../options.ts";

export const decodeCommand = (): Command =>
  new Command("decode")
    .description("Turn codes back into audio.")
    .argument("<tokens>", "a JSON array, rows of uat tokenize (json, jsonl, txt) or npy; - for standard input")
    .requiredOption(
      "-o, --out <file>",
      "the file, wav, flac or opus by its ending; - for wav to standard output; a directory for several rows",
    )
    .addOption(modelOption())
    .addOption(revisionOption())
    .option("--stream", "decode block by block and write each block as soon as it is there")
    .addOption(
      new Option("--block-size <codes>", "codes of a block of --stream (default: the model's)").argParser(
        wholeNumber(1),
      ),
    )
    .addOption(
      new Option(
        "--window <codes>",
        "codes of context kept while decoding: bounds memory and cost however many there are (default: all)",
      ).argParser(wholeNumber(1)),
    )
    .addOption(new Option("--seed <n>", "seed of the random draws").default(42).argParser(wholeNumber(0)))
    .addOption(new Option("--encoding <type>", "samples of the wav file").choices(["s16", "f32"]).default("s16"))
    .option("--embedding <npy>", "x-vector of the speaker")
    .option("--prompt <clip>", "audio file whose voice and manner the output continues")
    .option("--prompt-tokens <file>", "codes of such a clip, with --prompt-mel")
    .option("--prompt-mel <npy>", "its log-mel [80, frames] (22.05 kHz, hop 256)")
    .addHelpText(
      "after",
      `
Examples:
  $ uat decode codes.json --out speech.wav
  $ uat tokenize speech.wav | uat decode - --out again.wav
  $ uat decode codes.json --out speech.flac                  # or speech.opus
  $ echo '[17, 4051, 233, 90]' | uat decode - --out short.wav --encoding f32
  $ uat decode codes.jsonl --out decoded/                   # a file for each row
  $ uat decode codes.npy --stream --window 100 --out - | aplay`,
    )
    .action(async (tokens: string, _options, command: Command) => {
      const { decode } = await import("../actions/decode.ts");
      await decode(tokens, command);
    });
