/**
 * A graph under construction: inputs, parameters, constants and the nodes that operators add to it.
 *
 * Nothing is computed here. `Tensor` is a handle on a future value with a known type and shape; calling an operator on
 * it checks the shapes at once and appends one node. Emission (onnx/emitter.ts) walks the nodes in the order they were made.
 */
import { type Dim, formatShape, type Shape } from "./dim.ts";
import { GraphError } from "./errors.ts";
import type { OpDefinition } from "./ops/definition.ts";
import { size as sizeOp } from "./ops/shape.ts";
import { Tensor } from "./tensor.ts";

export type DType = "float32" | "int64" | "int32" | "bool";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Element types a parameter may be stored in; in the graph every float parameter is float32. */
export type StorageType = "F32" | "F16" | "BF16" | "F64" | "I64" | "I32" | "I8" | "U8";

/** Where a parameter's bytes come from (little-endian, row-major). */
export interface ParameterData {
  readonly dtype: StorageType;
  readonly shape: readonly number[];
  /** Set when the bytes lie contiguously in a local file, so that the runtime can map them instead of copying. */
  readonly file?:
    | {
        readonly path: string;
        readonly offset: number;
        readonly byteLength: number;
      }
    | undefined;
  read(): Promise<Uint8Array>;
}

export interface ConstantData {
  readonly dtype: DType;
  readonly values: Float32Array | Int32Array | BigInt64Array | Uint8Array;
}

export interface GraphNode {
  readonly op: OpDefinition;
  readonly attributes: unknown;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  /** The scope that was being built, e.g. `layers.3.self_attn`: names nodes and errors. */
  readonly scope: string;
  /** Number of the `recompute` call it was made in, if any. */
  readonly segment?: number | undefined;
}

export class Graph {
  readonly name: string;
  readonly inputs: Tensor[] = [];
  readonly nodes: GraphNode[] = [];
  readonly parameters = new Map<string, { tensor: Tensor; data: ParameterData }>();
  readonly constants: { tensor: Tensor; data: ConstantData }[] = [];
  outputs: Record<string, Tensor> = {};
  /** Path of the scope whose parameter was asked for last. */
  currentScope = "";
  #nextId = 0;
  #segment: number | undefined;
  #segments = 0;
  readonly #inputNames = new Set<string>();

  constructor(name: string) {
    this.name = name;
  }

  tensor(type: TensorType, name?: string): Tensor {
    return new Tensor(this, this.#nextId++, type.dtype, type.shape, name);
  }

  /** Declares an input fed at every run. */
  input(name: string, shape: Shape, dtype: DType = "float32"): Tensor {
    if (this.#inputNames.has(name)) throw new GraphError(`graph ${this.name}: two inputs are called ${name}`);
    this.#inputNames.add(name);
    const t = this.tensor({ dtype, shape }, name);
    this.inputs.push(t);
    return t;
  }

  /** Declares a parameter once; asking again for the same name returns the same tensor. */
  parameter(name: string, data: ParameterData): Tensor {
    const known = this.parameters.get(name);
    if (known) return known.tensor;
    const dtype: DType = data.dtype === "I64" ? "int64" : data.dtype === "I32" ? "int32" : "float32";
    const tensor = this.tensor({ dtype, shape: data.shape }, name);
    this.parameters.set(name, { tensor, data });
    return tensor;
  }

  constant(values: number | ConstantData["values"], shape: readonly number[] = []): Tensor {
    const data = typeof values === "number" ? new Float32Array([values]) : values;
    const dtype: DType =
      data instanceof Float32Array
        ? "float32"
        : data instanceof Int32Array
          ? "int32"
          : data instanceof BigInt64Array
            ? "int64"
            : "bool";
    const size = shape.reduce((p, d) => p * d, 1);
    if (size !== data.length)
      throw new GraphError(`constant of shape ${formatShape(shape)} needs ${size} values, got ${data.length}`);
    const tensor = this.tensor({ dtype, shape });
    this.constants.push({ tensor, data: { dtype, values: data } });
    return tensor;
  }

  /** A dimension as a float32 number []. */
  size(dim: Dim): Tensor {
    return typeof dim === "number" ? this.constant(dim) : (this.apply(sizeOp, [], { dim })[0] as Tensor);
  }

  /** Applies one operator: checks shapes, appends a node, returns its outputs. */
  apply<A>(op: OpDefinition<A>, inputs: readonly Tensor[], attributes: A): Tensor[] {
    for (const t of inputs) {
      if (t.graph !== this)
        throw new GraphError(`${this.where()}${op.name}: an input belongs to another graph (${t.graph.name})`);
    }
    let types: TensorType[];
    try {
      types = op.infer(inputs, attributes);
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      const shapes = inputs.map((t) => `${t.name ?? "value"} ${formatShape(t.shape)}`).join(", ");
      throw new GraphError(`${this.where()}${op.name}: ${error.message} (inputs: ${shapes})`);
    }
    const outputs = types.map((type) => this.tensor(type));
    this.nodes.push({
      op: op as OpDefinition,
      attributes,
      inputs,
      outputs,
      scope: this.currentScope,
      segment: this.#segment,
    });
    return outputs;
  }

  /** What `body` makes is computed once more in a backward pass instead of kept for it: less memory, more time. */
  recompute<T>(body: () => T): T {
    if (this.#segment !== undefined) return body();
    this.#segment = this.#segments++;
    try {
      return body();
    } finally {
      this.#segment = undefined;
    }
  }

  /** Whether some values are computed twice, which a session must not undo. */
  get recomputes(): boolean {
    return this.#segments > 0;
  }

  where(): string {
    return this.currentScope ? `${this.currentScope}: ` : "";
  }
}

/** Builds a graph by calling `body`, which returns the named outputs. */
export function buildGraph(name: string, body: (graph: Graph) => Record<string, Tensor>): Graph {
  const graph = new Graph(name);
  graph.outputs = body(graph);
  return graph;
}

export type { Dim };
