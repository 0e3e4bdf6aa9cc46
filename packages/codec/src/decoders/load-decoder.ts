/** The choice of a decoder by what a directory's configuration says. */
import type { Runtime } from "@uat/graph";
import type { ModelFiles } from "../checkpoint/model-files.ts";
import { TokenizerError } from "../errors.ts";
import type { DecoderSystem } from "./decoder-system.ts";

/** Loads the decoder of a directory that holds `decoder/`, or is one. */
export async function loadDecoder(files: ModelFiles, runtime: Runtime): Promise<DecoderSystem> {
  for (const directory of ["decoder", ""]) {
    const at = (name: string) => (directory ? `${directory}/${name}` : name);
    if (await files.exists(at("config.yaml"))) {
      const { isAcoustic, loadAcousticDecoder } = await import("./acoustic-decoder.ts");
      return (await isAcoustic(files, directory))
        ? loadAcousticDecoder(files, directory, runtime)
        : (await import("./flow-decoder.ts")).loadFlowDecoder(files, directory, runtime);
    }
  }
  throw new TokenizerError(
    `${files.source}: no decoder/config.yaml here; this model has no decoder, or the directory is not a model`,
  );
}
