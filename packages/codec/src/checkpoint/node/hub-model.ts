/** Models by hub id: downloaded once into the hub's cache, then files like any other. */
import { CheckpointError } from "../errors.ts";
import { type HubConnection, HubUnreachable, hubRepository, type ModelPart, neededFiles } from "../hub.ts";
import type { ModelFiles } from "../model-files.ts";
import { directoryFiles } from "./file-source.ts";
import { HubCache } from "./hub-cache.ts";
import { hubEnvironment } from "./hub-environment.ts";
import { checkHubName, fetchFiles, type HubFetchOptions } from "./hub-files.ts";

/** How to fetch a model from the hub. */
export interface HubModelOptions extends HubFetchOptions {
  /** Only this half of the model. */
  readonly part?: ModelPart | undefined;
}

/**
 * Opens a model of the hub. Without a network, what the cache holds is used.
 * @param id `org/name`.
 * @throws CheckpointError for a bad id or revision, a repository that is missing, gated or holds no such model, an
 *   interrupted or damaged download, a full disk, and when offline without a complete copy in the cache.
 */
export async function openHubModel(id: string, options: HubModelOptions = {}): Promise<ModelFiles> {
  return directoryFiles(await downloadHubModel(id, options));
}

/** As {@link openHubModel}. @returns the directory of the snapshot, with `tokenizer/`, `decoder/` or both. */
export async function downloadHubModel(id: string, options: HubModelOptions = {}): Promise<string> {
  const { revision = "main", part } = options;
  checkHubName(id, revision, "model");
  const { endpoint, token, cache, offline } = hubEnvironment(options.env);
  const local = new HubCache(cache, id);
  const ready = (commit: string): string => {
    options.progress_callback?.({ status: "ready", name: id });
    return local.snapshot(commit);
  };

  const cached = await local.commitOf(revision);
  if (offline) {
    if (cached && (await isUsable(local, cached, part))) return ready(cached);
    throw new CheckpointError(
      `${id}: is not in the cache ${cache} (revision ${revision}) and HF_HUB_OFFLINE is set; unset it to download`,
    );
  }
  // A commit never changes: what is complete needs no question to the hub.
  if (cached === revision && (await isComplete(local, cached, part))) return ready(cached);

  const hub: HubConnection = { endpoint, token, signal: options.signal };
  try {
    return ready(await fetchSnapshot(id, revision, hub, local, options));
  } catch (error) {
    if (error instanceof HubUnreachable && cached && (await isComplete(local, cached, part))) return ready(cached);
    throw error;
  }
}

/** Complete in all that was asked for. */
async function isComplete(local: HubCache, commit: string, part: ModelPart | undefined): Promise<boolean> {
  for (const half of part ? [part] : (["tokenizer", "decoder"] as const))
    if (!(await local.isComplete(commit, half))) return false;
  return true;
}

/** Offline, half a model is better than none: which halves the repository has cannot be asked. */
async function isUsable(local: HubCache, commit: string, part: ModelPart | undefined): Promise<boolean> {
  if (part) return local.isComplete(commit, part);
  return (await local.isComplete(commit, "tokenizer")) || (await local.isComplete(commit, "decoder"));
}

/** Downloads what is missing. @returns the commit. */
async function fetchSnapshot(
  id: string,
  revision: string,
  hub: HubConnection,
  local: HubCache,
  options: HubModelOptions,
): Promise<string> {
  const repository = await hubRepository(id, revision, hub);
  const files = neededFiles(repository.files, options.part);
  if (files.length === 0)
    throw new CheckpointError(
      `${id}: has no ${options.part ? `${options.part}/` : "tokenizer/ or decoder/"} directory; it is not a model of this kind`,
    );
  await fetchFiles({ ...repository, files }, id, revision, hub, local, options);
  return repository.commit;
}
