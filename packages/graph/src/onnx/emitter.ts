/** Turns a graph into ONNX nodes: one call of each operator's `emit`, with names, constants and shapes looked after. */
import { type Dim, type Shape, type SymbolicDim, sameDim } from "../dim.ts";
import type { ConstantData, DType, Graph, ParameterData } from "../graph.ts";
import type { EmittedValue } from "../ops/definition.ts";
import { quantizeWeight } from "../passes/quantize-weight.ts";
import type { Tensor } from "../tensor.ts";
import {
  type AttributeValue,
  DTYPE_ELEMENT,
  ELEMENT_TYPES,
  type Initializer,
  type InlineTensor,
  type OnnxModel,
  type OnnxNode,
  subgraphs,
} from "./model.ts";

export interface EmitOptions {
  /** Says which weights of linear layers are stored and multiplied in int8. */
  readonly quantize?: ((parameter: string) => boolean) | undefined;
  /**
   * Bits of a quantised weight: 8 for this project's runtimes (the default), 7 for models that others will run, where
   * u8×s8 sums may saturate on processors without VNNI.
   */
  readonly weightBits?: 7 | 8 | undefined;
  /** Says which parameters are inputs of every run, under their own names, instead of weights of the model. */
  readonly fed?: ((parameter: string) => boolean) | undefined;
}

interface QuantizedWeight {
  readonly values: string;
  readonly scales: string;
}

const ITEM_BYTES = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  I8: 1,
  U8: 1,
} as const;

export class Emitter {
  readonly #graph: Graph;
  readonly #options: EmitOptions;
  #nodes: OnnxNode[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #inline: InlineTensor[] = [];
  readonly #values = new Map<number, string>();
  readonly #parameterNames = new Map<number, string>();
  readonly #fed: Tensor[] = [];
  /** Results that may be shared, by a description of how they were made. */
  #shared = new Map<string, string>();
  #count = 0;
  #scope = "";

  constructor(graph: Graph, options: EmitOptions) {
    this.#graph = graph;
    this.#options = options;
    for (const t of graph.inputs) this.#values.set(t.id, t.name as string);
    for (const [name, { tensor }] of graph.parameters) {
      if (options.fed?.(name)) {
        this.#values.set(tensor.id, name);
        this.#fed.push(tensor);
      } else this.#parameterNames.set(tensor.id, name);
    }
    for (const { tensor, data } of graph.constants) {
      this.#values.set(tensor.id, this.constant(data.values, tensor.shape as number[], data.dtype));
    }
  }

  finish(): OnnxModel {
    const needed = this.#neededNodes();
    for (const node of this.#graph.nodes) {
      if (!needed.has(node)) continue;
      this.#scope = node.scope;
      const inputs = node.inputs.map((t): EmittedValue => {
        const parameter = this.#parameterNames.get(t.id);
        const self = this;
        return {
          dtype: t.dtype,
          shape: t.shape,
          parameter,
          // lazily: a weight that the operator takes in int8 is never emitted in float
          get value() {
            return self.#valueOf(t);
          },
        };
      });
      const names = node.op.emit(this, inputs, node.attributes, node.outputs);
      for (const [i, t] of node.outputs.entries()) this.#values.set(t.id, names[i] as string);
    }
    const outputs = Object.entries(this.#graph.outputs).map(([name, t]) => ({ name, dtype: t.dtype, shape: t.shape }));
    this.#nameOutputs();
    const used = new Set<string>();
    const note = (nodes: readonly OnnxNode[]): void => {
      for (const n of nodes) {
        for (const value of n.inputs) used.add(value);
        for (const body of subgraphs(n)) note(body.nodes);
      }
    };
    note(this.#nodes);
    return {
      name: this.#graph.name,
      nodes: this.#nodes,
      inputs: [...this.#graph.inputs, ...this.#fed.filter((t) => used.has(t.name as string))].map((t) => ({
        name: t.name as string,
        dtype: t.dtype,
        shape: t.shape,
      })),
      outputs,
      initializers: this.#initializers,
      keepsEqualNodes: this.#graph.recomputes,
      feedsWeights: this.#fed.length > 0,
      inline: this.#inline.filter((t) => used.has(t.name)),
    };
  }

  /**
   * Gives outputs their names: the node that makes a value calls it so; what no node makes, or what is asked for twice,
   * goes through an Identity, which copies it.
   */
  #nameOutputs(): void {
    const made = new Set(this.#nodes.flatMap((n) => n.outputs));
    const names = new Map<string, string>();
    const copies: OnnxNode[] = [];
    for (const [name, t] of Object.entries(this.#graph.outputs)) {
      const value = this.#valueOf(t);
      if (made.has(value) && !names.has(value)) names.set(value, name);
      else {
        const node = { type: "Identity", domain: "", name: `output/${name}`, attributes: {} };
        copies.push({ ...node, inputs: [names.get(value) ?? value], outputs: [name] });
      }
    }
    const rename = (value: string) => names.get(value) ?? value;
    const renamed = (nodes: readonly OnnxNode[]): OnnxNode[] =>
      nodes.map((n) => ({
        ...n,
        inputs: n.inputs.map(rename),
        outputs: n.outputs.map(rename),
        // what runs within a node may use values that are outputs of the whole
        attributes: Object.fromEntries(
          Object.entries(n.attributes).map(([key, value]) => [
            key,
            typeof value === "object" && "nodes" in value ? { ...value, nodes: renamed(value.nodes) } : value,
          ]),
        ),
      }));
    this.#nodes = [...renamed(this.#nodes), ...copies];
  }

  /** Adds one node and returns the names of its outputs. */
  node(
    type: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    outputs = 1,
    domain = "",
  ): string[] {
    const id = this.#count++;
    const name = `${this.#scope ? `${this.#scope}/` : ""}${type}_${id}`;
    const trimmed = [...inputs];
    while (trimmed.at(-1) === "") trimmed.pop();
    const names = Array.from({ length: outputs }, (_, i) => `${name}:${i}`);
    this.#nodes.push({
      type,
      domain,
      name,
      inputs: trimmed,
      outputs: names,
      attributes,
    });
    return names;
  }

  /** Like `node`, but equal calls share one node. */
  shared(
    type: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeValue> = {},
    outputs = 1,
  ): string[] {
    const key = JSON.stringify([type, inputs, attributes]);
    const known = this.#shared.get(key);
    if (known) return JSON.parse(known) as string[];
    const names = this.node(type, inputs, attributes, outputs);
    this.#shared.set(key, JSON.stringify(names));
    return names;
  }

  /**
   * A recurrence over the first axis of `sequence`: `body` makes each state from the one before and a slice of the
   * sequence. Returns all states but the first, [slices, ...state].
   */
  scan(first: EmittedValue, sequence: EmittedValue, body: (state: string, slice: string) => string): string {
    const [nodes, shared] = [this.#nodes, this.#shared];
    const prefix = `${this.#scope ? `${this.#scope}/` : ""}Scan_${this.#count++}`;
    const { dtype, shape } = first;
    const state = { name: `${prefix}/state`, dtype, shape };
    const slice = { name: `${prefix}/slice`, dtype: sequence.dtype, shape: sequence.shape.slice(1) };
    // values that the body makes are not seen outside
    this.#nodes = [];
    this.#shared = new Map(shared);
    const next = body(state.name, slice.name);
    const [copy] = this.node("Identity", [next]);
    const inner = this.#nodes;
    [this.#nodes, this.#shared] = [nodes, shared];
    const outputs = [next, copy!].map((name) => ({ name, dtype, shape }));
    const attributes = { num_scan_inputs: 1, body: { name: prefix, nodes: inner, inputs: [state, slice], outputs } };
    return this.node("Scan", [first.value, sequence.value], attributes, 2)[1]!;
  }

  elementType(dtype: DType): number {
    return DTYPE_ELEMENT[dtype];
  }

  constant(values: ConstantData["values"], shape: readonly number[], dtype: DType = "float32"): string {
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    const key = raw.length <= 4096 ? `constant ${dtype} ${shape} ${raw}` : undefined;
    const known = key && this.#shared.get(key);
    if (known) return known;
    const name = `constant_${this.#inline.length}`;
    this.#inline.push({ name, elementType: DTYPE_ELEMENT[dtype], shape, raw });
    if (key) this.#shared.set(key, name);
    return name;
  }

  int64(values: readonly number[]): string {
    return this.constant(BigInt64Array.from(values, BigInt), [values.length], "int64");
  }

  /** The sizes of `shape` as an int64 vector, computed at run time where they are symbolic. */
  dims(shape: Shape): string {
    if (shape.every((d) => typeof d === "number")) return this.int64(shape as number[]);
    const parts: string[] = [];
    let run: number[] = [];
    const flush = () => {
      if (run.length > 0) parts.push(this.int64(run));
      run = [];
    };
    for (const d of shape) {
      if (typeof d === "number") run.push(d);
      else {
        flush();
        parts.push(this.#dimValue(d));
      }
    }
    flush();
    return parts.length === 1 ? (parts[0] as string) : this.shared("Concat", parts, { axis: 0 })[0]!;
  }

  /** The second input of Reshape: constant when at most one size is not copied or known, else computed. */
  reshapeTarget(from: Shape, to: Shape): string {
    const target = to.map((d, i) =>
      typeof d === "number" ? d : i < from.length && sameDim(d, from[i] as Dim) ? 0 : -1,
    );
    const open = target.filter((d) => d === -1).length;
    return open <= 1 ? this.int64(target) : this.dims(to);
  }

  /** The int8 form of a weight [out, in]: values [in, out] and a scale for each output; undefined when it stays float. */
  quantizedWeight(parameter: string): QuantizedWeight | undefined {
    const data = this.#graph.parameters.get(parameter)?.data as ParameterData;
    if (!this.#options.quantize?.(parameter) || data.shape.length !== 2) return undefined;
    const [out, inner] = data.shape as [number, number];
    const values = `${parameter}.int8`;
    const scales = `${parameter}.scale`;
    if (!this.#initializers.some((i) => i.name === values)) {
      // quantised once, by whichever of the two is read first; both are dropped as soon as both were read
      let pending: ReturnType<typeof quantizeWeight> | undefined;
      const take = (key: "values" | "scales") => async () => {
        const first = pending === undefined;
        pending ??= quantizeWeight(data, this.#options.weightBits ?? 8);
        const result = (await pending)[key];
        if (!first) pending = undefined;
        return new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
      };
      this.#initializers.push(
        {
          name: values,
          dtype: "I8",
          shape: [inner, out],
          byteLength: inner * out,
          read: take("values"),
        },
        {
          name: scales,
          dtype: "F32",
          shape: [out],
          byteLength: 4 * out,
          read: take("scales"),
        },
      );
    }
    return { values, scales };
  }

  /**
   * x · weight + bias in int8. Every row of x is first divided by its largest magnitude, since a loud frame would leave
   * the others few of the 256 steps; the tensor is then quantised to uint8 by its own range at run time.
   */
  quantizedLinear(x: string, weight: QuantizedWeight, bias: string | undefined): string {
    const [magnitude] = this.shared("Abs", [x]);
    const [largest] = this.shared("ReduceMax", [magnitude!, this.int64([-1])], { keepdims: 1 });
    const [range] = this.shared("Max", [largest!, this.constant(new Float32Array([1e-30]), [])]); // rows of zeros
    const [even] = this.shared("Div", [x, range!]);
    const [quantized, scale, zero] = this.shared("DynamicQuantizeLinear", [even!], {}, 3) as [string, string, string];
    const [product] = this.node("MatMulInteger", [quantized, weight.values, zero]);
    const [float] = this.node("Cast", [product!], { to: DTYPE_ELEMENT.float32 });
    const [scales] = this.node("Mul", [scale, weight.scales]);
    const [unit] = this.node("Mul", [float!, scales!]);
    const [y] = this.node("Mul", [unit!, range!]);
    return bias ? this.node("Add", [y!, bias])[0]! : y!;
  }

  #valueOf(t: Tensor): string {
    const known = this.#values.get(t.id);
    if (known !== undefined) return known;
    const parameter = this.#parameterNames.get(t.id);
    if (parameter === undefined) throw new Error(`graph ${this.#graph.name}: value ${t.id} is used before it is made`);
    const { data } = this.#graph.parameters.get(parameter) as {
      data: ParameterData;
    };
    this.#initializers.push({
      name: parameter,
      dtype: data.dtype,
      shape: data.shape,
      byteLength: data.shape.reduce((p, d) => p * d, 1) * ITEM_BYTES[data.dtype],
      file: data.file,
      read: () => data.read(),
    });
    const stored = ELEMENT_TYPES[data.dtype];
    const value =
      stored === DTYPE_ELEMENT[t.dtype]
        ? parameter
        : this.node("Cast", [parameter], { to: DTYPE_ELEMENT[t.dtype] })[0]!;
    this.#values.set(t.id, value);
    return value;
  }

  #dimValue(d: Dim): string {
    if (typeof d === "number") return this.int64([d]);
    const e = d.expression;
    if (e.kind === "linear") {
      const scaled =
        e.scale === 1
          ? this.#symbolValue(e.symbol)
          : this.shared("Mul", [this.#symbolValue(e.symbol), this.int64([e.scale])])[0]!;
      return e.offset === 0 ? scaled : this.shared("Add", [scaled, this.int64([e.offset])])[0]!;
    }
    if (e.kind === "symbol") return this.#symbolValue(d);
    const type = { add: "Add", mul: "Mul", floordiv: "Div" }[e.kind]; // sizes are positive: Div rounds down
    return this.shared(type, [this.#dimValue(e.left), this.#dimValue(e.right)])[0]!;
  }

  /** Reads a symbol's size off an input whose shape has it, alone or scaled. */
  #symbolValue(s: SymbolicDim): string {
    for (const t of this.#graph.inputs) {
      for (const [axis, d] of t.shape.entries()) {
        if (typeof d === "number") continue;
        const e = d.expression;
        const linear = sameDim(d, s)
          ? { scale: 1, offset: 0 }
          : e.kind === "linear" && sameDim(e.symbol, s)
            ? e
            : undefined;
        if (!linear) continue;
        let [size] = this.shared("Shape", [t.name as string], {
          start: axis,
          end: axis + 1,
        });
        if (linear.offset !== 0) [size] = this.shared("Add", [size!, this.int64([-linear.offset])]);
        if (linear.scale !== 1) [size] = this.shared("Div", [size!, this.int64([linear.scale])]);
        return size!;
      }
    }
    throw new Error(`graph ${this.#graph.name}: no input tells the size of ${s}`);
  }

  #neededNodes(): Set<Graph["nodes"][number]> {
    const made = new Map(this.#graph.nodes.flatMap((n) => n.outputs.map((t) => [t.id, n] as const)));
    const needed = new Set<Graph["nodes"][number]>();
    const stack = Object.values(this.#graph.outputs).map((t) => t.id);
    while (stack.length > 0) {
      const node = made.get(stack.pop() as number);
      if (!node || needed.has(node)) continue;
      needed.add(node);
      for (const t of node.inputs) stack.push(t.id);
    }
    return needed;
  }
}

/** The ONNX form of a graph. Nodes that no output needs are left out. */
export const emitModel = (graph: Graph, options: EmitOptions = {}): OnnxModel => new Emitter(graph, options).finish();
