/** Where a model is found in Node: embedded in the package, in a directory, or on the hub. */
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ModelFiles } from "../../checkpoint/model-files.ts";
import { directoryFiles } from "../../checkpoint/node/file-source.ts";
import { TokenizerError } from "../../errors.ts";
import type { OpenModelOptions } from "../model-options.ts";

/** The models and clips that come with the package: `models/` beside it when installed, at the root of a clone. */
export function embeddedFolder(name: string): string | undefined {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let i = 0; i < 8; i++) {
    const candidate = join(folder, "models", name);
    if (existsSync(candidate)) return candidate;
    folder = dirname(folder);
  }
  return undefined;
}

/**
 * Opens `base`, a directory, or a hub id `org/name` (downloaded once into the hub's cache).
 * @throws TokenizerError when there is no such thing.
 */
export async function openModel(id: string, options: OpenModelOptions = {}): Promise<ModelFiles> {
  const exists = existsSync(id);
  if (exists && statSync(id).isDirectory()) return directoryFiles(id);
  if (exists)
    throw new TokenizerError(`model ${id}: is a file, expected a directory that holds tokenizer/, decoder/ or both`);
  if (/^[\w-]+$/.test(id)) {
    const embedded = embeddedFolder(id);
    if (embedded) return directoryFiles(embedded);
  }
  if (/^[\w][\w.-]*\/[\w][\w.-]*$/.test(id)) {
    const { openHubModel } = await import("../../checkpoint/node/hub-model.ts");
    return openHubModel(id, options);
  }
  throw new TokenizerError(`model ${id}: no such directory; give a directory, a hub id such as org/name, or base`);
}
