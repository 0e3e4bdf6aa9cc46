/** The weights of a decoder's two networks, as published or as this project writes them. */
import { hiftNames } from "../checkpoint/hift-names.ts";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { openSafetensorsModel } from "../checkpoint/safetensors.ts";
import type { TensorStore } from "../checkpoint/tensor-store.ts";
import { openTorchFile } from "../checkpoint/torch-file.ts";
import { foldWeightNorm } from "../checkpoint/weight-norm.ts";

/** Weights of `name`: `name.safetensors` (or its shards) where there is one, else `name.pt`. */
export async function openDecoderWeights(files: ModelFiles, directory: string, name: string): Promise<TensorStore> {
  const at = directory ? `${directory}/${name}` : name;
  const inSafetensors =
    (await files.exists(`${at}.safetensors`)) || (await files.exists(`${at}.safetensors.index.json`));
  return inSafetensors ? openSafetensorsModel(files, at) : openTorchFile(await files.open(`${at}.pt`));
}

/** A vocoder's weights under this project's names, its weight norm folded. */
export const openVocoderWeights = async (files: ModelFiles, directory: string): Promise<TensorStore> =>
  foldWeightNorm(hiftNames(await openDecoderWeights(files, directory, "hift")));
