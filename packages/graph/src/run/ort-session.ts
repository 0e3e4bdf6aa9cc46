/** What onnxruntime-node and onnxruntime-web share: sessions from our models, arrays in and out. */
import type { InferenceSession, Tensor as OrtTensor, TypedTensor } from "onnxruntime-common";
import type { Initializer, OnnxModel, Placement } from "../onnx/model.ts";
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

/** A model in the form that crosses to a worker: the ONNX file and its weights as bytes or as ranges of local files. */
export interface PackedModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly externalData: { path: string; data: Uint8Array }[];
  /** Folder of the weights that are mapped from disk. */
  readonly folder?: string | undefined;
}

/**
 * Serialises a model. Weights for which `mapped` names a file stay on disk and are mapped by the runtime; the others are
 * read, one buffer each.
 */
export async function packModel(
  model: OnnxModel,
  mapped?: { folder: string; place: (i: Initializer) => ReturnType<Placement> | undefined },
): Promise<PackedModel> {
  const externalData: { path: string; data: Uint8Array }[] = [];
  const placements = new Map<string, ReturnType<Placement>>();
  for (const initializer of model.initializers) {
    const onDisk = mapped?.place(initializer);
    if (onDisk) placements.set(initializer.name, onDisk);
    else {
      const data = await initializer.read();
      if (data.length !== initializer.byteLength) {
        throw new Error(`weight ${initializer.name}: read ${data.length} bytes, expected ${initializer.byteLength}`);
      }
      const path = `memory-${externalData.length}`;
      externalData.push({ path, data });
      placements.set(initializer.name, { location: path, offset: 0, length: data.length });
    }
  }
  const bytes = serializeModel(model, (i) => placements.get(i.name) as ReturnType<Placement>);
  return {
    name: model.name,
    bytes,
    externalData,
    folder: placements.size > externalData.length ? mapped?.folder : undefined,
  };
}

export async function runSession(
  ort: OrtApi,
  session: InferenceSession,
  inputs: Readonly<Record<string, NumericArray>>,
): Promise<Record<string, NumericArray>> {
  const feeds: Record<string, OrtTensor> = {};
  for (const [name, { data, shape }] of Object.entries(inputs)) {
    const type =
      data instanceof Float32Array
        ? "float32"
        : data instanceof Int32Array
          ? "int32"
          : data instanceof BigInt64Array
            ? "int64"
            : "bool";
    feeds[name] = new ort.Tensor(type, data, shape);
  }
  const results = await session.run(feeds);
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => [
      name,
      { data: (t as TypedTensor<"float32">).data as TensorData, shape: t.dims },
    ]),
  );
}
