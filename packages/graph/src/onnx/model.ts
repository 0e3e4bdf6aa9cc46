/** An ONNX model whose weights stay outside the file, and its serialisation (onnx.proto, IR version 10, opset 20). */
import { type Shape, SymbolicDim } from "../dim.ts";
import type { DType, ParameterData } from "../graph.ts";
import { ProtobufWriter } from "./protobuf.ts";

const IR_VERSION = 10;
export const OPSET = 20;

export const ELEMENT_TYPES = {
  F32: 1,
  U8: 2,
  I8: 3,
  I32: 6,
  I64: 7,
  BOOL: 9,
  F16: 10,
  F64: 11,
  BF16: 16,
} as const;
export const DTYPE_ELEMENT: Record<DType, number> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
};

export type AttributeValue = number | string | readonly number[] | OnnxSubgraph;

export interface OnnxNode {
  readonly type: string;
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** What a node such as Scan runs. Its nodes may use values of the graph around it. */
export interface OnnxSubgraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/** A weight: its bytes are handed over when a session is made or the model is exported. */
export interface Initializer extends ParameterData {
  readonly name: string;
  readonly byteLength: number;
}

export interface InlineTensor {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly number[];
  readonly raw: Uint8Array;
}

export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: readonly Initializer[];
  readonly inline: readonly InlineTensor[];
  /** Nodes that compute the same value twice are meant so: merging them would keep what is recomputed to save memory. */
  readonly keepsEqualNodes?: boolean | undefined;
  /** Threads of an operator, whatever the runtime has. */
  readonly threads?: number | undefined;
  /** Weights are inputs of every run: the model trains. */
  readonly feedsWeights?: boolean | undefined;
}

/** Where the runtime finds the bytes of an initialiser: a range of a file beside the model, or in the model itself. */
export type Place =
  | {
      readonly location: string;
      readonly offset: number;
      readonly length: number;
    }
  | Uint8Array;

/** Float attributes are told from integer ones by name: ONNX has no untyped numbers. */
const FLOAT_ATTRIBUTES = new Set(["alpha", "beta", "epsilon"]);

export function serializeModel(model: OnnxModel, place: (initializer: Initializer) => Place): Uint8Array {
  const seen = new Set<string>();
  const declare = (name: string) => {
    // ONNX Runtime accepts two values of one name and merges them silently
    if (seen.has(name)) throw new Error(`graph ${model.name}: two values are called ${name}`);
    seen.add(name);
  };
  for (const v of [...model.inputs, ...model.initializers, ...model.inline]) declare(v.name);
  const declareOutputs = (nodes: readonly OnnxNode[]): void => {
    for (const n of nodes) {
      for (const o of n.outputs) if (o) declare(o);
      for (const body of subgraphs(n)) {
        for (const v of body.inputs) declare(v.name);
        declareOutputs(body.nodes);
      }
    }
  };
  declareOutputs(model.nodes);

  return new ProtobufWriter()
    .varint(1, IR_VERSION)
    .string(2, "universal-audio-tokenizer")
    .message(7, (g) => {
      for (const node of model.nodes) g.message(1, (w) => writeNode(w, node));
      g.string(2, model.name);
      for (const t of model.inline) {
        g.message(5, (w) => {
          for (const d of t.shape) w.varint(1, d);
          w.varint(2, t.elementType).string(8, t.name).bytes(9, t.raw);
        });
      }
      for (const t of model.initializers) {
        const at = place(t);

        g.message(5, (w) => {
          for (const d of t.shape) w.varint(1, d);
          w.varint(2, ELEMENT_TYPES[t.dtype]).string(8, t.name);
          if (at instanceof Uint8Array) {
            w.bytes(9, at);
            return;
          }
          for (const key of ["location", "offset", "length"] as const) {
            w.message(13, (entry) => entry.string(1, key).string(2, String(at[key])));
          }
          w.varint(14, 1); // data_location = EXTERNAL
        });
      }
      for (const v of model.inputs) g.message(11, (w) => writeValueInfo(w, v));
      for (const v of model.outputs) g.message(12, (w) => writeValueInfo(w, v));
    })
    .message(8, (w) => w.string(1, "").varint(2, OPSET))
    .finish();
}

/** The graphs that a node runs. */
export const subgraphs = (node: OnnxNode): OnnxSubgraph[] =>
  Object.values(node.attributes).filter((v): v is OnnxSubgraph => typeof v === "object" && "nodes" in v);

function writeNode(w: ProtobufWriter, node: OnnxNode): void {
  for (const i of node.inputs) w.string(1, i);
  for (const o of node.outputs) w.string(2, o);
  w.string(3, node.name).string(4, node.type);
  for (const [name, value] of Object.entries(node.attributes)) {
    w.message(5, (a) => {
      a.string(1, name);
      if (typeof value === "string") a.string(4, value).varint(20, 3);
      else if (typeof value === "object" && "nodes" in value) {
        a.message(6, (g) => {
          for (const inner of value.nodes) g.message(1, (n) => writeNode(n, inner));
          g.string(2, value.name);
          for (const v of value.inputs) g.message(11, (i) => writeValueInfo(i, v));
          for (const v of value.outputs) g.message(12, (o) => writeValueInfo(o, v));
        }).varint(20, 5);
      } else if (typeof value !== "number") {
        for (const v of value) a.varint(8, v);
        a.varint(20, 7);
      } else if (FLOAT_ATTRIBUTES.has(name)) a.float(2, value).varint(20, 1);
      else a.varint(3, value).varint(20, 2);
    });
  }
  if (node.domain) w.string(7, node.domain);
}

function writeValueInfo(w: ProtobufWriter, v: ValueInfo): void {
  w.string(1, v.name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.varint(1, DTYPE_ELEMENT[v.dtype]).message(2, (shape) => {
        for (const d of v.shape) {
          shape.message(1, (dim) => (d instanceof SymbolicDim ? dim.string(2, d.toString()) : dim.varint(1, d)));
        }
      }),
    ),
  );
}
