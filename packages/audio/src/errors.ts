/**
 * The one error this package throws for input it cannot accept: a file, a sample rate, a channel number.
 * Its message is one line that names what was given, what was expected and what to do.
 * Anything else that escapes from this package is a bug.
 */
export class AudioError extends Error {
  /** Marks errors the user can mend; the command line prints their message without a stack trace. */
  readonly isInputError = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AudioError";
  }
}

/** What an unknown thrown value says, on one line. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/\s+/g, " ").trim();
}
