/** From the options of a command to the part of the suite that it runs. */
import { dirname, join, resolve } from "node:path";
import { clusterEvaluation, type Evaluation, tokenEvaluation } from "@uat/evaluation";
import {
  benchmarkOf,
  ChatEndpoint,
  endpointKey,
  parseQuestions,
  parseTtsList,
  readListText,
  readPredictions,
  readRows,
  type SapPredictions,
  sapEvaluation,
  ttsEvaluation,
  understandingEvaluation,
} from "@uat/evaluation/judged";
import { modelDigest } from "@uat/evaluation/node";
import { reconstructionEvaluation, type Voices } from "@uat/evaluation/reconstruction";
import { openMetricNetworks, openRecognizer } from "@uat/evaluation/reconstruction/node";
import { createRuntime, type Runtime } from "@uat/graph";
import { Random } from "@uat/training";
import { probeEvaluation } from "@uat/training/probes";
import type { Command } from "commander";
import { AudioDescriber } from "universal-audio-tokenizer";
import { InputError } from "../errors.ts";
import { type EvalOptions, evaluate, type Setup } from "./eval.ts";
import { InputClips } from "./eval-clips.ts";

type Inputs = readonly string[];

export const clustering = (inputs: Inputs, command: Command) => evaluate(inputs, command, () => clusterEvaluation());

export const tokens = (inputs: Inputs, command: Command) => evaluate(inputs, command, () => tokenEvaluation());

interface ProbeCommand extends EvalOptions {
  readonly heldOutSpeakers?: readonly string[];
  readonly steps?: number;
  readonly genderColumn?: string;
  readonly groupColumn?: string;
}

export const probes = (inputs: Inputs, command: Command) =>
  evaluate<ProbeCommand>(inputs, command, ({ options }) => probeEvaluation(options));

interface NetworkOptions extends EvalOptions {
  readonly whisper?: string;
  readonly metrics?: string;
}

/** Networks that listen, on a runtime of their own. */
async function listeners({ options, reporter, closing }: Setup<NetworkOptions>) {
  const { device, threads, whisper, metrics } = options;
  const runtime: Runtime = await createRuntime({ device, threads, onWarning: (message) => reporter.warn(message) });
  closing.push(() => runtime.dispose());
  const networks = await openMetricNetworks(metrics, runtime);
  closing.push(() => networks.dispose());
  const recognizer = whisper === undefined ? undefined : await openRecognizer(whisper, runtime);
  if (recognizer) closing.push(() => recognizer.dispose());
  return { networks, recognizer };
}

interface ReconstructionCommand extends NetworkOptions {
  readonly voices?: Voices;
  readonly genderSpeakers?: string;
}

export const reconstruction = (inputs: Inputs, command: Command) =>
  evaluate<ReconstructionCommand>(inputs, command, async (setup) =>
    reconstructionEvaluation({
      ...(await listeners(setup)),
      voices: setup.options.voices,
      genderTeachers: genderTeachers(setup),
    }),
  );

/** The clips of a second list. */
function genderTeachers({ options, reporter, closing }: Setup<ReconstructionCommand>) {
  const { genderSpeakers, seed } = options;
  if (genderSpeakers === undefined) return undefined;
  return (signal: AbortSignal) => {
    const onProgress = (label: string, done: number, total: number) => reporter.progress(label, done / total);
    const source = new InputClips([genderSpeakers], { columns: {}, where: [], seed, onProgress, signal });
    closing.push(() => source.close());
    return source.clips();
  };
}

interface EndpointCommand extends EvalOptions {
  readonly endpoint?: string;
  readonly endpointModel?: string;
  readonly concurrency?: number;
  readonly maxTokens?: number;
}

/** @throws InputError when only one of URL and model is given. */
function endpointOf({ options, reporter }: Setup<EndpointCommand>): ChatEndpoint | undefined {
  const { endpoint: url, endpointModel: model, concurrency, maxTokens } = options;
  if (url === undefined && model === undefined) return undefined;
  if (url === undefined || model === undefined)
    throw new InputError("an endpoint needs both --endpoint URL and --endpoint-model NAME");
  const apiKey = endpointKey(url, process.env);
  return new ChatEndpoint({ url, model, apiKey, concurrency, maxTokens, onRetry: (message) => reporter.note(message) });
}

interface SapCommand extends EndpointCommand {
  readonly describer?: string;
  readonly predictions?: string;
  readonly reference?: string;
}

export const sap = (inputs: Inputs, command: Command) =>
  evaluate<SapCommand>(inputs, command, async (setup) => {
    const { reference } = setup.options;
    const judge = endpointOf(setup);
    return sapEvaluation({ predictions: await predictionsOf(setup), reference, judge });
  });

/** A file of predictions, a column of the list, or a describer that writes them now. */
async function predictionsOf({ options, reporter, closing }: Setup<SapCommand>): Promise<SapPredictions> {
  const { predictions, describer: name, device, threads } = options;
  if (predictions !== undefined && name !== undefined)
    throw new InputError("--predictions and --describer: expected one of them");
  if (predictions !== undefined)
    return /\.(json|jsonl)$/i.test(predictions)
      ? { byClip: await readPredictions(predictions) }
      : { column: predictions };
  const id = name ?? "base-sap";
  const { sha256 } = await modelDigest(id);
  const describer = await AudioDescriber.fromPretrained(id, {
    device,
    threads,
    onWarning: (message) => reporter.warn(message),
  });
  closing.push(() => describer.dispose());
  return {
    describe: async (audio, signal) => (await describer.describe(audio, { signal })).text,
    describer: `${id}, sha256 ${sha256.slice(0, 12)}`,
    sampleRate: 16_000,
  };
}

interface UnderstandingCommand extends EndpointCommand {
  readonly benchmark?: "mmau" | "mmar" | "mmsu";
  readonly audio?: string;
  readonly as: "tokens" | "audio";
  readonly tokenTemplate: string;
  readonly clipTemplate: string;
}

export const understanding = (list: string, command: Command) =>
  evaluate<UnderstandingCommand>([list], command, async (setup): Promise<Evaluation> => {
    const { options } = setup;
    const endpoint = endpointOf(setup);
    if (!endpoint) throw new InputError("whose answers are measured? give --endpoint URL and --endpoint-model NAME");
    const rows = await readRows(list);
    const benchmark = options.benchmark ?? benchmarkOf(rows);
    if (!benchmark) throw new InputError(`${list}: which benchmark it is of is not clear; give --benchmark`);
    const folder = options.audio ?? dirname(list);
    return understandingEvaluation({
      benchmark,
      questions: some(parseQuestions(rows, benchmark, list), options),
      locate: (audio) => resolve(folder, audio),
      endpoint,
      presentation:
        options.as === "audio"
          ? { as: "audio" }
          : { as: "tokens", token: options.tokenTemplate, clip: options.clipTemplate },
    });
  });

interface TtsCommand extends NetworkOptions {
  readonly speech: string;
  readonly language: string;
}

export const tts = (list: string, command: Command) =>
  evaluate<TtsCommand>([list], command, async (setup) => {
    const { language, speech } = setup.options;
    const lines = some(parseTtsList(await readListText(list), list), setup.options);
    const { networks, recognizer } = await listeners(setup);
    for (const line of networks.missing) setup.reporter.note(line);
    const { dnsmos, speakerEncoder } = networks;
    const hears = { sampleRate: 16_000 };
    return ttsEvaluation({
      lines,
      language,
      locatePrompt: (prompt) => resolve(dirname(list), prompt),
      locateSpeech: (id) => join(speech, `${id}.wav`),
      recognizer: recognizer && {
        ...hears,
        name: recognizer.name,
        measure: (samples) => recognizer.transcribe(samples, language),
      },
      speakerEncoder: speakerEncoder && {
        ...hears,
        name: speakerEncoder.name,
        measure: (samples) => speakerEncoder.network.embed(samples, hears.sampleRate),
      },
      opinion: dnsmos && {
        ...hears,
        name: dnsmos.name,
        measure: async (samples) => (await dnsmos.network.score(samples, hears.sampleRate)).overall,
      },
    });
  });

/** No more rows than `--limit`, drawn by the seed. */
function some<T>(rows: readonly T[], { limit, seed }: EvalOptions): readonly T[] {
  if (limit === undefined || limit >= rows.length) return rows;
  return [...new Random(seed).sample(rows.length, limit)].sort((a, b) => a - b).map((i) => rows[i]!);
}
