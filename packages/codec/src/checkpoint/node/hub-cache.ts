/**
 * The hub's cache on disk, as Python's huggingface_hub lays it out, so that both share downloads:
 * `models--org--name/{refs/REVISION, blobs/HASH, snapshots/COMMIT/PATH → ../../blobs/HASH}`, `datasets--…` for data sets.
 */
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { CheckpointError } from "../errors.ts";
import type { HubFile, ModelPart, RepositoryKind } from "../hub.ts";

let counter = 0;

/** A name that no other process or call uses. */
export function uniqueSuffix(): string {
  return `${process.pid}-${counter++}`;
}

/** One repository's folder of the cache. */
export class HubCache {
  readonly folder: string;

  /** @param id `org/name`. */
  constructor(cache: string, id: string, kind: RepositoryKind = "model") {
    this.folder = join(cache, `${kind}s--${id.replace("/", "--")}`);
  }

  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  blob(file: HubFile): string {
    return join(this.folder, "blobs", file.hash.hex);
  }

  /** The commit that a branch or tag meant when it was last looked up; a commit means itself. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return revision;
    try {
      const commit = (await readFile(join(this.folder, "refs", revision), "utf8")).trim();
      return /^[0-9a-f]{40}$/.test(commit) ? commit : undefined;
    } catch {
      return undefined;
    }
  }

  /** Remembers what a branch or tag means. */
  async setCommit(revision: string, commit: string): Promise<void> {
    if (revision === commit) return;
    await replaceFile(join(this.folder, "refs", revision), (path) => writeFile(path, commit));
  }

  /** The files of a commit as they were listed when it was downloaded; undefined when it never was. */
  async listing(commit: string): Promise<HubFile[] | undefined> {
    try {
      return JSON.parse(await readFile(join(this.folder, "listings", `${commit}.json`), "utf8"));
    } catch {
      return undefined;
    }
  }

  async setListing(commit: string, files: readonly HubFile[]): Promise<void> {
    await replaceFile(join(this.folder, "listings", `${commit}.json`), (path) =>
      writeFile(path, JSON.stringify(files)),
    );
  }

  /** Whether any snapshot was ever downloaded. */
  async isEmpty(): Promise<boolean> {
    try {
      return (await readdir(join(this.folder, "snapshots"))).length === 0;
    } catch {
      return true;
    }
  }

  async has(commit: string, file: HubFile): Promise<boolean> {
    return (await sizeOf(join(this.snapshot(commit), file.path))) === file.size;
  }

  /** Makes a downloaded blob appear under its path in a snapshot. */
  async link(commit: string, file: HubFile): Promise<void> {
    const path = join(this.snapshot(commit), file.path);
    const blob = this.blob(file);
    await replaceFile(path, async (temporary) => {
      try {
        await symlink(relative(dirname(path), blob), temporary);
      } catch {
        // File systems and Windows accounts without symbolic links.
        await copyFile(blob, temporary, constants.COPYFILE_FICLONE);
      }
    });
  }

  /** Whether a snapshot holds everything that a part of a model needs; never asks the network. */
  async isComplete(commit: string, part: ModelPart): Promise<boolean> {
    const folder = join(this.snapshot(commit), part);
    const present = async (...names: string[]): Promise<boolean> => {
      for (const name of names) if ((await sizeOf(join(folder, name))) === undefined) return false;
      return true;
    };
    if (part === "decoder") return present("config.yaml", "flow.pt", "hift.pt");
    if (!(await present("config.json", "preprocessor_config.json"))) return false;
    if (await present("model.safetensors")) return true;
    try {
      const index = JSON.parse(await readFile(join(folder, "model.safetensors.index.json"), "utf8"));
      return await present(...new Set(Object.values(index.weight_map).map(String)));
    } catch {
      return false;
    }
  }
}

/** Size in bytes, or undefined when there is no such file; symbolic links are followed. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() ? stats.size : undefined;
  } catch {
    return undefined;
  }
}

/** Writes beside `path` and renames, so that nobody ever sees half a file. */
async function replaceFile(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${uniqueSuffix()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await write(temporary);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw writeError(path, cause);
  }
}

/** One line for a failed write. */
export function writeError(path: string, cause: unknown): CheckpointError {
  if (cause instanceof CheckpointError) return cause;
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new CheckpointError(`${path}: the disk is full; free some space, or point HF_HOME to another disk`, {
      cause,
    });
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return new CheckpointError(`${path}: cannot be written (${code}); point HF_HOME to a directory of yours`, {
      cause,
    });
  return new CheckpointError(`${path}: cannot be written (${(cause as Error).message})`, { cause });
}
