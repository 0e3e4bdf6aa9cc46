/** A shape or type rule broken while a graph is built; the message names the layer, the operator and the shapes. */
export class GraphError extends Error {
  readonly isInputError = true;
  constructor(message: string) {
    super(message);
    this.name = "GraphError";
  }
}
