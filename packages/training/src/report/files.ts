/** Files of a run: written whole or not at all, and what the system says against it told as one line. */
import { open, rename, rm } from "node:fs/promises";
import { TrainingError } from "../errors.ts";

const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  EISDIR: "is a directory",
  ENOTDIR: "a part of the path is not a directory",
  EFBIG: "the file grows past what the system allows",
  EIO: "the disk reports an input/output error",
};

/** A failed call to the system as a TrainingError that names the file; other errors pass unchanged. */
export function writeError(path: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return cause;
  return new TrainingError(`${path}: cannot be written: ${WORDS[code] ?? code}; mend that, then resume the run`);
}

/** Writes a file under a temporary name and renames it. Readers see the old file or the new one. */
export async function writeAtomically(path: string, data: string | Uint8Array): Promise<void> {
  // one fixed name: what a killed run left is overwritten by the next
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw writeError(path, error);
  }
}
