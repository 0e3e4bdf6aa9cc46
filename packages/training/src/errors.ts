/** Data, a configuration or a checkpoint given to training cannot be used; the message is one line that says what to do. */
export class TrainingError extends Error {
  override readonly name = "TrainingError";
  readonly isInputError = true;
}
