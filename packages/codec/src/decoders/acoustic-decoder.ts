/** This project's own decoder: codes → mel and pitch by an acoustic model → waveform by HiFT. */
import type { Runtime } from "@uat/graph";
import { parseAcousticDecoderConfig, readAnyDecoderConfig } from "../checkpoint/config/acoustic-decoder.ts";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { AcousticModel } from "./acoustic.ts";
import { openDecoderWeights, openVocoderWeights } from "./decoder-weights.ts";
import { SpectrogramDecoder } from "./spectrogram-decoder.ts";
import { Vocoder } from "./vocoder.ts";

const configPath = (directory: string): string => (directory ? `${directory}/config.yaml` : "config.yaml");

/** Whether the decoder of a directory is of this kind. @throws CheckpointError for a configuration that is none. */
export const isAcoustic = async (files: ModelFiles, directory: string): Promise<boolean> =>
  "acoustic" in (await readAnyDecoderConfig(files, configPath(directory)));

/** Configuration and weights of a decoder directory: the acoustic model's, and HiFT's under this project's names. */
export async function openAcousticDecoder(files: ModelFiles, directory: string) {
  const path = configPath(directory);
  const config = parseAcousticDecoderConfig(await files.text(path), path);
  const acoustic = await openDecoderWeights(files, directory, "acoustic");
  const hift = await openVocoderWeights(files, directory);
  return { config, acoustic, hift };
}

/**
 * Loads config.yaml, acoustic.pt and hift.pt (or .safetensors) of `directory`, a path inside `files`.
 * @throws CheckpointError or GraphError (both with `isInputError`) for files that are missing, damaged or do not fit.
 */
export async function loadAcousticDecoder(
  files: ModelFiles,
  directory: string,
  runtime: Runtime,
): Promise<SpectrogramDecoder> {
  const { config, acoustic, hift } = await openAcousticDecoder(files, directory);
  try {
    const mels = await AcousticModel.load(config.acoustic, acoustic, runtime);
    return new SpectrogramDecoder(config.sample_rate, mels, await Vocoder.load(config.hift, hift, runtime));
  } finally {
    await acoustic.close();
    await hift.close();
  }
}
