/** `uat eval`: how good a model is, part by part, with a report beside published figures. */
import { Command, Option } from "commander";
import { wholeNumber } from "../options.ts";
import { clipPart, outOption, part, withEndpoint, withModel, withNetworks } from "./eval-options.ts";

const parts = () => import("../actions/eval-parts.ts");

const clustering = (): Command =>
  withModel(
    clipPart(
      "clustering",
      "Do clips of one class have like codes? Silhouette, k-means purity, nearest clips, a picture.",
    ),
  )
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
    .action(async (inputs: string[], _options, command: Command) => (await parts()).clustering(inputs, command));

const tokens = (): Command =>
  withModel(
    clipPart("tokens", "What codes cost, how much of the codebook they use, what noise, level and cuts do to them."),
  )
    .addHelpText(
      "after",
      `
Examples:
  $ uat eval tokens speech/ --out report
  $ uat eval tokens sounds/ music.flac --limit 60 --model ./my-model --out report`,
    )
    .action(async (inputs: string[], _options, command: Command) => (await parts()).tokens(inputs, command));

const probes = (): Command =>
  withModel(clipPart("probes", "What one linear layer reads off the codes: characters, pitch, gender, sound class."))
    .addOption(
      new Option("--held-out-speakers <a,b>", "speakers that are not learnt from (default: a fifth)").argParser(
        (text) => text.split(",").map((name) => name.trim()),
      ),
    )
    .addOption(new Option("--steps <n>", "updates of the layer for characters").argParser(wholeNumber(1, 1e6)))
    .option("--gender-column <name>", "column that holds genders (default: gender)")
    .option("--group-column <name>", "clips with one value of it stay in one fold")
    .addHelpText(
      "after",
      `
Examples:
  $ uat eval probes speech.jsonl --held-out-speakers anna,ben --out report
  $ uat eval probes sounds/ --out report`,
    )
    .action(async (inputs: string[], _options, command: Command) => (await parts()).probes(inputs, command));

const reconstruction = (): Command =>
  withNetworks(
    withModel(clipPart("reconstruction", "Speech through tokens and back: words, melody, voice, level, quality.")),
  )
    .addOption(
      new Option("--voices <kind>", "thresholds for voices that training knew, or for others").choices([
        "known",
        "held-out",
      ]),
    )
    .option("--gender-speakers <list>", "recordings of other speakers: the judge of genders learns from them too")
    .addHelpText(
      "after",
      `
Without --whisper word error rates are left out, without --metrics DNSMOS and speaker similarity.

Examples:
  $ uat eval reconstruction speech.tsv --whisper whisper-base --metrics networks --out report
  $ uat eval reconstruction speech.tsv --metrics networks --gender-speakers others.tsv --out report
  $ uat eval reconstruction clips/ --out report`,
    )
    .action(async (inputs: string[], _options, command: Command) => (await parts()).reconstruction(inputs, command));

const sap = (): Command =>
  withEndpoint(
    clipPart("sap", "Descriptions of clips (SAP JSON) against references: validity, words, labels, judged text."),
  )
    .option("--describer <model>", "who describes the clips now (default: base-sap)")
    .option("--predictions <file|column>", "descriptions made before: .json, .jsonl, or a column of the list")
    .option("--reference <column>", "column with the true descriptions", "sap")
    .addHelpText(
      "after",
      `
Without --endpoint nothing is judged: accent, prosody, timbre and the description of events are left out.

Examples:
  $ uat eval sap scenes.parquet --out report
  $ uat eval sap scenes.jsonl --predictions answers.jsonl --endpoint https://host/v1 --endpoint-model judge --out report`,
    )
    .action(async (inputs: string[], _options, command: Command) => (await parts()).sap(inputs, command));

const understanding = (): Command =>
  withEndpoint(
    withModel(part("understanding", "Multiple-choice questions about clips (MMAU, MMAR, MMSU) to a language model.")),
  )
    .argument("<list>", "the benchmark's questions, JSON or JSON lines")
    .addOption(new Option("--benchmark <name>", "default: as the list looks").choices(["mmau", "mmar", "mmsu"]))
    .option("--audio <directory>", "what the list's paths start from (default: the list's folder)")
    .addOption(new Option("--as <form>", "how the clip is given").choices(["tokens", "audio"]).default("tokens"))
    .option("--token-template <text>", "one code in words", "<|audio_{code}|>")
    .option("--clip-template <text>", "all codes of a clip", "{tokens}")
    .addHelpText(
      "after",
      `
Example:
  $ uat eval understanding mmau-test-mini.json --endpoint http://localhost:8000/v1 --endpoint-model mine --out report`,
    )
    .action(async (list: string, _options, command: Command) => (await parts()).understanding(list, command));

const tts = (): Command =>
  withNetworks(part("tts", "Synthesised speech for a SEED-TTS list: words, likeness of the voice, predicted opinion."))
    .argument("<list>", "meta.lst: id|prompt text|prompt wav|target text")
    .requiredOption("--speech <directory>", "the synthesised speech: ID.wav for each line")
    .option("--language <code>", "of the texts", "en")
    .addHelpText(
      "after",
      `
Example:
  $ uat eval tts en/meta.lst --speech made/ --whisper whisper-base --metrics networks --out report`,
    )
    .action(async (list: string, _options, command: Command) => (await parts()).tts(list, command));

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
    .description("Measure a model: clustering, reconstruction, tokens, …; a report beside published figures.")
    .addHelpText(
      "after",
      `
A run that was stopped goes on where it was when the same command is given again. Parts run with the same --out share
one report. docs/evaluation.md says how each figure is made.`,
    );
  for (const one of [clustering, reconstruction, tokens, probes, sap, understanding, tts, report])
    command.addCommand(one());
  return command;
}
