/**
 * A file, configuration or address given by the user cannot be used. The message is one line that names what was given,
 * what was expected and, where there is one, what to do. Command lines print it alone, without a stack trace.
 */
export class CheckpointError extends Error {
  /** `CheckpointError`. */
  override readonly name = "CheckpointError";
  /** Marks errors the caller can mend: the message alone says what to do. */
  readonly isInputError = true;

  /** @param message control characters in it become blanks. */
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/**
 * A value as it may stand in an error message: JSON, cut to 60 characters, control characters escaped, so that hostile
 * names can neither flood the terminal nor smuggle escape codes into it.
 */
export function shown(value: unknown): string {
  let text: string | undefined;
  if (typeof value === "bigint") text = `${value}`;
  else if (value instanceof Map || (typeof value === "object" && value !== null && !Array.isArray(value))) text = "{…}";
  else {
    try {
      text = JSON.stringify(typeof value === "string" ? value.slice(0, 61) : value);
    } catch {
      text = undefined;
    }
  }
  text ??= String(value);
  text = printable(text);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

/** The text with control characters replaced by blanks: names and notices written by strangers end up on terminals. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, " ");
}
