/** The audio files named on a command line, checked before any work starts. */
import { type ByteSource, memorySource } from "@uat/audio";
import { InputError, systemError } from "../errors.ts";
import { readStandardInput } from "./standard-input.ts";

export interface NamedAudio {
  /** As given on the command line. */
  readonly path: string;
  /** A path or URL, or the bytes of standard input. */
  readonly audio: string | ByteSource;
}

/**
 * Opens nothing but standard input; the files are looked at, so that a missing one is told before the first is worked on.
 * @throws InputError that names the file.
 */
export async function audioFiles(paths: readonly string[]): Promise<NamedAudio[]> {
  if (paths.filter((p) => p === "-").length > 1) throw new InputError("-: standard input can be read only once");
  for (const path of paths) if (path !== "-" && !isUrl(path)) await checkFile(path);
  const files: NamedAudio[] = [];
  for (const path of paths)
    files.push({ path, audio: path === "-" ? memorySource(await readStandardInput("audio"), "standard input") : path });
  return files;
}

/** @throws InputError when there is no such file, or it is a directory. */
export async function checkFile(path: string): Promise<void> {
  const { stat } = await import("node:fs/promises");
  try {
    const stats = await stat(path);
    if (stats.isDirectory()) throw new InputError(`${path}: is a directory; expected a file; name a file in it`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new InputError(`${path === "" ? '""' : path}: no such file; check the path`);
    throw systemError(path, "read", error);
  }
}

export const isUrl = (path: string): boolean => /^https?:\/\//.test(path);
