/** The decoder of UniAudio-Token and GLM-4-Voice: codes → mel by conditional flow matching → waveform by HiFT. */
import type { Runtime } from "@uat/graph";
import { readDecoderConfig } from "../checkpoint/config/decoder.ts";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { openDecoderWeights, openVocoderWeights } from "./decoder-weights.ts";
import { Flow } from "./flow.ts";
import { SpectrogramDecoder } from "./spectrogram-decoder.ts";
import { Vocoder } from "./vocoder.ts";

/** Configuration and weights of a decoder directory: the flow's, and HiFT's under this project's names. */
export async function openFlowDecoder(files: ModelFiles, directory: string) {
  const config = await readDecoderConfig(files, directory ? `${directory}/config.yaml` : "config.yaml");
  const flow = await openDecoderWeights(files, directory, "flow");
  const hift = await openVocoderWeights(files, directory);
  return { config, flow, hift };
}

/**
 * Loads config.yaml, flow.pt and hift.pt (or .safetensors) of `directory`, a path inside `files`.
 * @throws CheckpointError or GraphError (both with `isInputError`) for files that are missing, damaged or do not fit.
 */
export async function loadFlowDecoder(
  files: ModelFiles,
  directory: string,
  runtime: Runtime,
): Promise<SpectrogramDecoder> {
  const { config, flow, hift } = await openFlowDecoder(files, directory);
  try {
    const mels = await Flow.load(config.flow, flow, runtime);
    return new SpectrogramDecoder(config.sample_rate, mels, await Vocoder.load(config.hift, hift, runtime));
  } finally {
    await flow.close();
    await hift.close();
  }
}
