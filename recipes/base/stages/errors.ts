/** A mistake the person running the recipe can mend: shown as one line, without a stack trace. */
export class RecipeError extends Error {
  readonly isInputError = true;
  override readonly name = "RecipeError";
}
