/**
 * A loss and its gradients as one program: forward and backward pass of one graph, with the trained weights as inputs
 * (nothing of them is copied) and the gradients written straight into an arena.
 */
import {
  compile,
  type Graph,
  Graph as GraphBuilder,
  gradientsWithTables,
  type NumericArray,
  type ParameterSource,
  type Program,
  type Runtime,
  Scope,
  type Tensor,
} from "@uat/graph";
import type { ParameterArena } from "../optimizer/parameter-arena.ts";

/** What a loss graph tells besides its gradients. */
export interface Objective {
  /** One value, []. */
  readonly loss: Tensor;
  /** Single values for the log, []. */
  readonly metrics?: Readonly<Record<string, Tensor>> | undefined;
  /** Whatever else the system wants back, in any shape. */
  readonly outputs?: Readonly<Record<string, Tensor>> | undefined;
}

export interface LossProgramOptions {
  /** Weights that may change; fed at every run. */
  readonly parameters: ParameterArena;
  /** Names of those that get a gradient; without any, the program only computes the loss. */
  readonly trained: ReadonlySet<string>;
  /** All other weights: part of the program. */
  readonly frozen?: ParameterSource | undefined;
}

export interface LossResult {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, NumericArray>>;
}

const GRADIENT = "gradient ";

export class LossProgram {
  /** Trained parameters that the loss does not depend on: their places in the gradient arena are not written. */
  readonly without: ReadonlySet<string>;
  readonly #program: Program;
  readonly #weights: Readonly<Record<string, NumericArray>>;
  readonly #dense: readonly string[];
  readonly #tables: readonly { readonly name: string; readonly dense: boolean; readonly rows: number }[];
  readonly #metrics: readonly string[];
  readonly #outputs: readonly string[];

  private constructor(
    program: Program,
    parts: {
      weights: Record<string, NumericArray>;
      dense: string[];
      tables: { name: string; dense: boolean; rows: number }[];
      metrics: string[];
      outputs: string[];
      without: Set<string>;
    },
  ) {
    this.#program = program;
    this.#weights = parts.weights;
    this.#dense = parts.dense;
    this.#tables = parts.tables;
    this.#metrics = parts.metrics;
    this.#outputs = parts.outputs;
    this.without = parts.without;
  }

  /**
   * @param runtime one that runs on the calling thread.
   * @param body makes the loss; parameters asked of the scope come from `parameters`, else from `frozen`.
   */
  static async compile(
    runtime: Runtime,
    name: string,
    { parameters, trained, frozen }: LossProgramOptions,
    body: (graph: Graph, p: Scope) => Objective,
  ): Promise<LossProgram> {
    const graph = new GraphBuilder(name);
    const scope = new Scope(graph, (parameter) => parameters.source(parameter) ?? frozen?.(parameter));
    const { loss, metrics = {}, outputs = {} } = body(graph, scope);
    const results: Record<string, Tensor> = { loss: loss.reshape([]) };
    for (const [key, t] of Object.entries(metrics)) results[`metric ${key}`] = t.reshape([]);
    for (const [key, t] of Object.entries(outputs)) results[`output ${key}`] = t;

    const used = [...graph.parameters].filter(([key]) => trained.has(key)).map(([, { tensor }]) => tensor);
    const lookedUp = new Set(graph.nodes.filter((n) => n.op.name === "gather").map((n) => (n.inputs[0] as Tensor).id));
    const targets = used.filter((t) => !lookedUp.has(t.id));
    const tables = used.filter((t) => lookedUp.has(t.id));
    const gradients = used.length > 0 ? gradientsWithTables(loss, targets, tables) : { gradients: [], tables: [] };
    const dense: string[] = [];
    for (const [i, gradient] of gradients.gradients.entries()) {
      const parameter = (targets[i] as Tensor).name as string;
      if (!gradient) continue;
      dense.push(parameter);
      results[GRADIENT + parameter] = gradient;
    }
    const tableParts = gradients.tables.map((table, i) => {
      const parameter = (tables[i] as Tensor).name as string;
      if (table.dense) results[GRADIENT + parameter] = table.dense;
      for (const [k, { indices, value }] of table.rows.entries()) {
        results[`indices ${k} ${parameter}`] = indices.cast("int32");
        results[`rows ${k} ${parameter}`] = value;
      }
      return { name: parameter, dense: table.dense !== undefined, rows: table.rows.length };
    });
    graph.outputs = results;
    const reached = new Set([...dense, ...tableParts.filter((t) => t.dense || t.rows > 0).map((t) => t.name)]);
    const program = await compile(runtime, graph, { fed: (parameter) => parameters.has(parameter) });
    const weights = Object.fromEntries(
      [...graph.parameters.keys()].filter((key) => parameters.has(key)).map((key) => [key, parameters.array(key)]),
    );
    return new LossProgram(program, {
      weights,
      dense,
      tables: tableParts.filter((t) => reached.has(t.name)),
      metrics: Object.keys(metrics),
      outputs: Object.keys(outputs),
      without: new Set([...trained].filter((key) => !reached.has(key))),
    });
  }

  /**
   * Runs once. With `gradients`, an arena of the trained parameters, it is filled except for those in `without`; a
   * program without trained parameters needs none.
   * @param instead weights that take the place of those of the same names: averaged ones.
   */
  async run(
    inputs: Readonly<Record<string, NumericArray>>,
    gradients?: ParameterArena,
    instead?: ParameterArena,
  ): Promise<LossResult> {
    const into: Record<string, NumericArray> = {};
    if (gradients) {
      for (const name of this.#dense) into[GRADIENT + name] = gradients.array(name);
      for (const { name, dense } of this.#tables) if (dense) into[GRADIENT + name] = gradients.array(name);
    }
    const weights = instead
      ? Object.fromEntries(
          Object.entries(this.#weights).map(([name, own]) => [name, instead.has(name) ? instead.array(name) : own]),
        )
      : this.#weights;
    const results = await this.#program.run({ ...weights, ...inputs }, { into });
    if (gradients) for (const table of this.#tables) addTableRows(table, results, gradients.view(table.name));
    const scalar = (key: string) => (results[key] as NumericArray).data[0] as number;
    return {
      loss: scalar("loss"),
      metrics: Object.fromEntries(this.#metrics.map((key) => [key, scalar(`metric ${key}`)])),
      outputs: Object.fromEntries(this.#outputs.map((key) => [key, results[`output ${key}`] as NumericArray])),
    };
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}

/** Adds the rows of a looked-up table's gradient where they belong. */
function addTableRows(
  { name, dense, rows }: { name: string; dense: boolean; rows: number },
  results: Readonly<Record<string, NumericArray>>,
  gradient: Float32Array,
): void {
  if (!dense) gradient.fill(0);
  for (let k = 0; k < rows; k++) {
    const indices = (results[`indices ${k} ${name}`] as NumericArray).data as Int32Array;
    const values = (results[`rows ${k} ${name}`] as NumericArray).data as Float32Array;
    const width = values.length / indices.length;
    for (let i = 0; i < indices.length; i++) {
      const at = (indices[i] as number) * width;
      const from = i * width;
      for (let j = 0; j < width; j++) gradient[at + j]! += values[from + j] as number;
    }
  }
}
