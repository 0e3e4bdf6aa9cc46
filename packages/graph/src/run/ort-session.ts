/** What onnxruntime-node and onnxruntime-web share: sessions from our models, arrays in and out. */
import type { InferenceSession, Tensor as OrtTensor, TypedTensor } from "onnxruntime-common";
import type { Initializer, OnnxModel, Place } from "../onnx/model.ts";
import { serializeModel } from "../onnx/model.ts";
import type { NumericArray, TensorData } from "./runtime.ts";

export interface OrtApi {
  readonly InferenceSession: {
    create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: new (
    type: "float32" | "int32" | "int64" | "bool",
    data: TensorData,
    dims: readonly number[],
  ) => OrtTensor;
}

/** In a session's `extra`: equal nodes are not merged (OnnxModel.keepsEqualNodes). */
export const KEEP_EQUAL_NODES = {
  optimization: { disable_specified_optimizers: "CommonSubexpressionElimination" },
};

/** A model in the form that crosses to a worker: the ONNX file and its weights as bytes or as ranges of local files. */
export interface PackedModel {
  readonly bytes: Uint8Array;
  /** Weights in memory, each a file of its own to the runtime. */
  readonly externalData: { path: string; data: Uint8Array }[];
  /** Folder of the weights that the runtime maps from disk; then externalData is empty, as it takes one or the other. */
  readonly folder?: string | undefined;
}

/** Copies results into the caller's arrays, where the runtime cannot write there itself. */
export function copyInto(
  results: Record<string, NumericArray>,
  into: Readonly<Record<string, NumericArray>>,
): Record<string, NumericArray> {
  for (const [name, target] of Object.entries(into)) {
    const { data, shape } = results[name] as NumericArray;
    if (data.length !== target.data.length)
      throw new Error(`output ${name} has shape [${shape}], its array is for [${target.shape}]`);
    (target.data as Float32Array).set(data as Float32Array);
    results[name] = target;
  }
  return results;
}

/** The bytes of a weight, of the length the graph expects. */
export async function readInitializer(initializer: Initializer): Promise<Uint8Array> {
  const data = await initializer.read();
  if (data.length === initializer.byteLength) return data;
  throw new Error(`weight ${initializer.name}: read ${data.length} bytes, expected ${initializer.byteLength}`);
}

/** Serialises a model with all its weights in memory, one buffer each. */
export async function packInMemory(model: OnnxModel): Promise<PackedModel> {
  const externalData: { path: string; data: Uint8Array }[] = [];
  const places = new Map<string, Place>();
  for (const initializer of model.initializers) {
    const data = await readInitializer(initializer);
    const path = `memory-${externalData.length}`;
    externalData.push({ path, data });
    places.set(initializer.name, {
      location: path,
      offset: 0,
      length: data.length,
    });
  }
  return {
    bytes: serializeModel(model, (i) => places.get(i.name) as Place),
    externalData,
  };
}

export async function runSession(
  ort: OrtApi,
  session: InferenceSession,
  inputs: Readonly<Record<string, NumericArray>>,
  into?: Readonly<Record<string, NumericArray>>,
): Promise<Record<string, NumericArray>> {
  const tensors = (arrays: Readonly<Record<string, NumericArray>>): Record<string, OrtTensor> =>
    Object.fromEntries(
      Object.entries(arrays).map(([name, { data, shape }]) => [name, new ort.Tensor(elementName(data), data, shape)]),
    );
  const feeds = tensors(inputs);
  // null: the runtime allocates
  const results = await (into
    ? session.run(feeds, { ...Object.fromEntries(session.outputNames.map((name) => [name, null])), ...tensors(into) })
    : session.run(feeds));
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => [
      name,
      { data: (t as TypedTensor<"float32">).data as TensorData, shape: t.dims },
    ]),
  );
}

const elementName = (data: TensorData) =>
  data instanceof Float32Array
    ? "float32"
    : data instanceof Int32Array
      ? "int32"
      : data instanceof BigInt64Array
        ? "int64"
        : "bool";
