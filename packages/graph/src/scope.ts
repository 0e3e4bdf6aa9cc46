/**
 * Scopes name parameters exactly as the checkpoint does. Asking a scope for `weight [out, in]` declares the parameter,
 * checks it against the checkpoint and returns its tensor: loading, shape checks and export all follow from that line.
 */
import { formatShape } from "./dim.ts";
import { GraphError } from "./errors.ts";
import type { Graph, ParameterData } from "./graph.ts";
import type { Tensor } from "./tensor.ts";

/** Looks parameters up by their full name. */
export type ParameterSource = (name: string) => ParameterData | undefined;

export class Scope {
  readonly graph: Graph;
  readonly path: string;
  readonly #source: ParameterSource;

  constructor(graph: Graph, source: ParameterSource, path = "") {
    this.graph = graph;
    this.path = path;
    this.#source = source;
  }

  /** The scope one or more levels down: `p.at("layers", 3)`. */
  at(...names: (string | number)[]): Scope {
    return new Scope(this.graph, this.#source, [this.path, ...names].filter((s) => s !== "").join("."));
  }

  has(name: string): boolean {
    return this.#source(this.#full(name)) !== undefined;
  }

  /**
   * The parameter `name` of the given shape.
   * @throws GraphError when the checkpoint lacks it or holds another shape.
   */
  tensor(name: string, shape: readonly number[]): Tensor {
    const full = this.#full(name);
    this.graph.currentScope = this.path;
    const data = this.#source(full);
    if (!data) throw new GraphError(`the checkpoint has no tensor ${full} (expected shape ${formatShape(shape)})`);
    if (data.shape.length !== shape.length || data.shape.some((d, i) => d !== shape[i])) {
      throw new GraphError(
        `tensor ${full} has shape ${formatShape(data.shape)} in the checkpoint, the configuration asks for ${formatShape(shape)}`,
      );
    }
    return this.graph.parameter(full, data);
  }

  /** The leading rows of a stored table whose row count the caller may not know: returns [rows, ...rest]. */
  table(name: string, minimumRows: number, rest: readonly number[]): Tensor {
    const rows = this.#source(this.#full(name))?.shape[0] ?? minimumRows;
    if (rows < minimumRows) {
      throw new GraphError(
        `tensor ${this.#full(name)} has ${rows} rows, the configuration asks for at least ${minimumRows}`,
      );
    }
    return this.tensor(name, [rows, ...rest]);
  }

  #full(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }
}
