/** Data sets by hub id: the files that are wanted are downloaded once into the hub's cache. */
import { CheckpointError } from "../errors.ts";
import { type HubConnection, HubUnreachable, hubRepository } from "../hub.ts";
import { HubCache } from "./hub-cache.ts";
import { hubEnvironment } from "./hub-environment.ts";
import { checkHubName, fetchFiles, type HubFetchOptions } from "./hub-files.ts";

/** How to fetch a data set from the hub. */
export interface HubDatasetOptions extends HubFetchOptions {
  /**
   * Chooses among the paths of the repository's files, e.g. the shards of one split. May throw to say what is missing.
   */
  readonly choose: (paths: readonly string[]) => readonly string[];
}

/**
 * Downloads files of a data set. Without a network, what the cache holds is used if it is complete.
 * @param id `org/name`.
 * @returns the directory of the snapshot and the chosen paths in it.
 * @throws CheckpointError for a bad id or revision, a repository that is missing or gated, an interrupted or damaged
 *   download, a full disk, and when offline without a complete copy in the cache.
 */
export async function downloadHubDataset(
  id: string,
  options: HubDatasetOptions,
): Promise<{ folder: string; paths: readonly string[] }> {
  const { revision = "main", choose } = options;
  checkHubName(id, revision, "dataset");
  const { endpoint, token, cache, offline } = hubEnvironment(options.env);
  const local = new HubCache(cache, id, "dataset");
  const hub: HubConnection = { endpoint, token, signal: options.signal };
  const cached = await fromCache(local, revision, choose);
  const ready = (found: { folder: string; paths: readonly string[] }) => {
    options.progress_callback?.({ status: "ready", name: id });
    return found;
  };
  if (offline) {
    if (cached) return ready(cached);
    throw new CheckpointError(
      `${id}: is not in the cache ${cache} (revision ${revision}) and HF_HUB_OFFLINE is set; unset it to download`,
    );
  }
  // A commit never changes: what is complete needs no question to the hub.
  if (cached?.commit === revision) return ready(cached);
  try {
    const repository = await hubRepository(id, revision, hub, { kind: "dataset", isWanted: isSafePath });
    const chosen = new Set(choose(repository.files.map(({ path }) => path)));
    const files = repository.files.filter(({ path }) => chosen.has(path));
    await fetchFiles({ ...repository, files }, id, revision, hub, local, options, "dataset");
    await local.setListing(repository.commit, repository.files);
    return ready({ folder: local.snapshot(repository.commit), paths: [...chosen] });
  } catch (error) {
    if (error instanceof HubUnreachable && cached) return ready(cached);
    throw error;
  }
}

/** A path becomes one in the cache: it must not lead out of it. */
const isSafePath = (path: string): boolean =>
  !path.startsWith("/") &&
  !/[\\\p{Cc}]/u.test(path) &&
  path.split("/").every((part) => part !== "" && !/^\.+$/.test(part));

/** The chosen files of a snapshot, if all of them are in the cache. */
async function fromCache(
  local: HubCache,
  revision: string,
  choose: HubDatasetOptions["choose"],
): Promise<{ folder: string; paths: readonly string[]; commit: string } | undefined> {
  const commit = await local.commitOf(revision);
  const files = commit && (await local.listing(commit));
  if (!commit || !files) return undefined;
  const paths = choose(files.map(({ path }) => path));
  for (const file of files) if (paths.includes(file.path) && !(await local.has(commit, file))) return undefined;
  return { folder: local.snapshot(commit), paths, commit };
}
