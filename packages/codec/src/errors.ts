/** Something the caller gave cannot be used; the message says what was given, what was expected and what to do. */
export class TokenizerError extends Error {
  readonly isInputError = true;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "TokenizerError";
  }
}
