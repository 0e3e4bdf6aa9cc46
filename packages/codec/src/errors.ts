/** Something the caller gave cannot be used; the message says what was given, what was expected and what to do. */
export class TokenizerError extends Error {
  /** Marks errors the caller can mend: the message alone says what to do. */
  readonly isInputError = true;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TokenizerError";
  }
}
