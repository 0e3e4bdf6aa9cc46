/** The networks that `uat eval reconstruction` listens with, from folders on disk. */
import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Runtime } from "@uat/graph";
import { directoryFiles } from "universal-audio-tokenizer/internal";
import { EvaluationError } from "../../errors.ts";
import { loadMetricNetworks, type MetricNetworks } from "../../metrics/metric-networks.ts";
import { listDigest, sha256OfFile } from "../../suite/node/model-digest.ts";
import { WhisperTranscriber } from "../../whisper-transcriber.ts";
import type { Recognizer } from "../clip-result.ts";

/** @throws EvaluationError when there is no such folder. */
async function namesIn(directory: string, expected: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    throw new EvaluationError(`${directory}: is no folder that can be read; expected ${expected}; check the path`, {
      cause,
    });
  }
}

/**
 * A Whisper checkpoint in Hugging Face's layout.
 * @throws EvaluationError, CheckpointError when it is not there or damaged.
 */
export async function openRecognizer(
  directory: string,
  runtime: Runtime,
): Promise<Recognizer & { dispose(): Promise<void> }> {
  const names = await namesIn(directory, "a Whisper checkpoint (config.json, model.safetensors, tokenizer.json)");
  const transcriber = await WhisperTranscriber.load(directoryFiles(directory), runtime);
  const files = names.filter((name) => /\.(safetensors|json)$/.test(name)).sort();
  const digest = listDigest(
    await Promise.all(files.map(async (name) => ({ name, hash: await sha256OfFile(join(directory, name)) }))),
  );
  const { d_model, encoder_layers, decoder_layers } = transcriber.config;
  return {
    name: `Whisper ${basename(resolve(directory))} (width ${d_model}, ${encoder_layers} + ${decoder_layers} layers), sha256 ${digest.slice(0, 12)}`,
    transcribe: async (samples, language) => (await transcriber.transcribe(samples, { language })).text,
    dispose: () => transcriber.dispose(),
  };
}

/**
 * @param directory where the packages of metrics lie; without it all of them are missing.
 * @throws EvaluationError, CheckpointError when it is not there, or a file in it is damaged.
 */
export async function openMetricNetworks(directory: string | undefined, runtime: Runtime): Promise<MetricNetworks> {
  if (directory !== undefined) await namesIn(directory, "a folder with speechmos, resemblyzer, …");
  return loadMetricNetworks(directory === undefined ? undefined : directoryFiles(directory), runtime);
}
