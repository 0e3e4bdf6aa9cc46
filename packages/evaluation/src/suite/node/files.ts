/** What the system says against a file, in one line. */
import { EvaluationError } from "../../errors.ts";

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

/** The run's own files cannot be read or written: no clip's fault, so the run ends. */
export class RunFileError extends EvaluationError {}

/** A failed call to the system as a RunFileError that names the file; other errors pass unchanged. */
export function writeError(path: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return cause;
  return new RunFileError(`${path}: cannot be written: ${WORDS[code] ?? code}; mend that, then run it again`, {
    cause,
  });
}
