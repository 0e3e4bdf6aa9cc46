import { TrainingError } from "../errors.ts";

/** The system's code of an error or of what caused it, e.g. ENOSPC. */
export function systemCode(error: unknown): string | undefined {
  for (let e = error; e instanceof Error; e = e.cause) {
    const { code } = e as NodeJS.ErrnoException;
    if (typeof code === "string" && /^E[A-Z0-9]+$/.test(code)) return code;
  }
  return undefined;
}

/** What stopped a file from being written, in words. */
function reason(code: string): string {
  if (code === "ENOSPC" || code === "EDQUOT") return "the disk is full; free some space and resume";
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") return `permission denied (${code})`;
  return code;
}

/** A failure of the file system as a message to the user; all else as it is. */
export function writeFailure(path: string, cause: unknown, note = ""): unknown {
  if (cause instanceof TrainingError) return cause;
  const code = systemCode(cause);
  if (code === undefined) return cause;
  return Object.assign(new TrainingError(`${path}: cannot be written: ${reason(code)}${note}`), { cause });
}
