/** Models by hub id: downloaded once into the hub's cache, then files like any other. */
import { CheckpointError } from "../errors.ts";
import { type HubConnection, HubUnreachable, hubFetch, hubRepository, type ModelPart, neededFiles } from "../hub.ts";
import type { HubProgress } from "../hub-progress.ts";
import type { ModelFiles } from "../model-files.ts";
import { directoryFiles } from "./file-source.ts";
import { HubCache, sizeOf } from "./hub-cache.ts";
import { type DownloadOptions, downloadBlob } from "./hub-download.ts";
import { hubEnvironment } from "./hub-environment.ts";

/** How to fetch a model from the hub. */
export interface HubModelOptions {
  /** Branch, tag or commit; `main` by default. */
  readonly revision?: string | undefined;
  /** Only this half of the model. */
  readonly part?: ModelPart | undefined;
  /** Told about each file and, at the end, `ready`. */
  readonly progress_callback?: ((progress: HubProgress) => void) | undefined;
  /** Told the licence before the first download from a repository; may throw to refuse it. */
  readonly onLicense?: ((license: { id: string; license: string }) => void | Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The environment variables, `process.env` by default. */
  readonly env?: Record<string, string | undefined> | undefined;
  /** Patience with a bad network. */
  readonly retry?: Pick<DownloadOptions, "attempts" | "pauseMs" | "stallMs"> | undefined;
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
  if (!/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(id) || id.includes("..") || id.length > 200)
    throw new CheckpointError(`"${id.slice(0, 60)}" is not a model id; expected org/name`);
  if (!/^[A-Za-z0-9][\w./-]*$/.test(revision) || revision.includes("..") || revision.length > 200)
    throw new CheckpointError(`${id}: "${revision.slice(0, 60)}" is not a revision; expected a branch, tag or commit`);
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
  const { commit } = repository;
  const files = neededFiles(repository.files, options.part);
  if (files.length === 0)
    throw new CheckpointError(
      `${id}: has no ${options.part ? `${options.part}/` : "tokenizer/ or decoder/"} directory; it is not a model of this kind`,
    );
  const isNew = await local.isEmpty();
  let asked = false;
  for (const file of files) {
    if (await local.has(commit, file)) continue;
    const report = (status: HubProgress["status"], loaded?: number): void => {
      const amount =
        loaded === undefined
          ? {}
          : { loaded, total: file.size, progress: file.size ? (100 * loaded) / file.size : 100 };
      options.progress_callback?.({ status, name: id, file: file.path, ...amount });
    };
    report("initiate");
    if ((await sizeOf(local.blob(file))) !== file.size) {
      if (isNew && !asked) await options.onLicense?.({ id, license: repository.license });
      asked = true;
      report("download");
      await downloadBlob(file, local.blob(file), {
        id,
        url: `${hub.endpoint}/${id}/resolve/${commit}/${file.path}`,
        fetch: hubFetch(id, revision, hub),
        onProgress: (loaded) => report("progress", loaded),
        signal: options.signal,
        ...options.retry,
      });
    }
    await local.link(commit, file);
    report("done");
  }
  await local.setCommit(revision, commit);
  return commit;
}
