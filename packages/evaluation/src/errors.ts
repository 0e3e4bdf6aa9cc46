/** Texts, labels or tables given cannot be measured; the message is one line: what was given, what was expected. */
export class EvaluationError extends Error {
  override readonly name = "EvaluationError";
  readonly isInputError = true;
}
