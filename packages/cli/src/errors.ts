/** What went wrong, in one line for people and an exit code for scripts. */
import { CommanderError } from "commander";

/**
 * 0: done. 1: a bug of this program. 2: input, options or surroundings that the user can mend. 3: done but for some
 * files, as was asked for.
 */
export const EXIT = { ok: 0, bug: 1, input: 2, some: 3 } as const;

export const EXIT_CODES_HELP = `
Exit codes: 0 done; 1 a bug in this program; 2 bad input, option or surroundings (a file, the disk, the network);
3 done but for the files that --keep-going left out; 130 or 143 stopped by Ctrl-C or a signal. On failure (1, 2, 130, 143)
no output file is left behind.`;

/** Something on the command line, in a file or about the machine that the user can mend. */
export class InputError extends Error {
  readonly isInputError = true;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "InputError";
  }
}

/** Whether an error is the input's fault, by the mark that all such errors of this project have. */
export const isInputError = (error: unknown): error is Error =>
  (error as { isInputError?: unknown } | undefined)?.isInputError === true;

/** The work is done but for some files that `--keep-going` left out. */
export class LeftOut extends Error {}

/** The reader of our standard output has gone (`uat … | head`): not an error, but nothing more to do. */
export class OutputClosed extends Error {}

/** Codes of the system for which a plainer wording exists. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOENT: "no such file or directory",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "is a directory",
  EFBIG: "the file grows past what the system allows",
  EIO: "the disk reports an input/output error",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "too many symbolic links",
  EMFILE: "too many open files",
};

/** A failed call to the system as an InputError that names the file. Errors that are not the system's pass unchanged. */
export function systemError(path: string, action: string, cause: unknown): unknown {
  const { code } = cause as NodeJS.ErrnoException;
  if (typeof code !== "string" || !/^E[A-Z0-9]+$/.test(code)) return cause;
  return new InputError(`${path}: cannot be ${action}: ${SYSTEM_WORDS[code] ?? code}`, { cause });
}

/** One line, whatever a message holds: file names may contain line breaks and escape codes. */
export const oneLine = (text: string): string => text.replace(/[\p{Cc}\s]+/gu, " ").trim();

export interface Explanation {
  /** What to print on stderr; nothing for a quiet end. */
  readonly text: string | undefined;
  readonly exitCode: number;
}

/** How an error that ends the program is told. `debug` adds the stack. */
export function explain(error: unknown, debug = Boolean(process.env.UAT_DEBUG)): Explanation {
  // commander has printed its own line by now
  if (error instanceof CommanderError)
    return { text: undefined, exitCode: error.exitCode === 0 ? EXIT.ok : EXIT.input };
  if (error instanceof OutputClosed) return { text: undefined, exitCode: EXIT.ok };
  const message = oneLine(error instanceof Error ? error.message : String(error));
  const stack = debug && error instanceof Error && error.stack ? `\n${error.stack}` : "";
  if (error instanceof LeftOut) return { text: `uat: ${message}`, exitCode: EXIT.some };
  if (isInputError(error)) return { text: `uat: ${message}${stack}`, exitCode: EXIT.input };
  const hint = debug ? "" : " (a bug; UAT_DEBUG=1 shows where)";
  return { text: `uat: internal error: ${message || "unknown"}${hint}${stack}`, exitCode: EXIT.bug };
}
