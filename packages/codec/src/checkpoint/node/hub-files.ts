/** What downloads of models and of data sets share: options, checks of names, and fetching files into the cache. */
import { CheckpointError } from "../errors.ts";
import { type HubConnection, type HubRepository, hubFetch, hubName, type RepositoryKind } from "../hub.ts";
import type { HubProgress } from "../hub-progress.ts";
import { type HubCache, sizeOf } from "./hub-cache.ts";
import { type DownloadOptions, downloadBlob } from "./hub-download.ts";

/** How to fetch from the hub. */
export interface HubFetchOptions {
  /** Branch, tag or commit; `main` by default. */
  readonly revision?: string | undefined;
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

/** Both become parts of paths and addresses. @throws CheckpointError */
export function checkHubName(id: string, revision: string, kind: RepositoryKind): void {
  if (!/^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(id) || id.includes("..") || id.length > 200)
    throw new CheckpointError(`"${id.slice(0, 60)}" is not a ${kind} id; expected org/name`);
  if (!/^[A-Za-z0-9][\w./-]*$/.test(revision) || revision.includes("..") || revision.length > 200)
    throw new CheckpointError(`${id}: "${revision.slice(0, 60)}" is not a revision; expected a branch, tag or commit`);
}

/** Downloads the files of `repository` that the cache lacks and makes them a snapshot. */
export async function fetchFiles(
  repository: HubRepository,
  id: string,
  revision: string,
  hub: HubConnection,
  local: HubCache,
  options: HubFetchOptions,
  kind: RepositoryKind = "model",
): Promise<void> {
  const { commit, files } = repository;
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
        url: `${hub.endpoint}/${hubName(id, kind)}/resolve/${commit}/${file.path.split("/").map(encodeURIComponent).join("/")}`,
        fetch: hubFetch(hubName(id, kind), revision, hub),
        onProgress: (loaded) => report("progress", loaded),
        signal: options.signal,
        ...options.retry,
      });
    }
    await local.link(commit, file);
    report("done");
  }
  await local.setCommit(revision, commit);
}
