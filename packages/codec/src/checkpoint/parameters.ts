import { GraphError, type ParameterSource } from "@uat/graph";
import type { TensorStore } from "./tensor-store.ts";

/** A checkpoint as the source of a graph's parameters; float tensors of any precision are accepted. */
export function parametersOf(store: TensorStore): ParameterSource {
  return (name) => {
    const info = store.info(name);
    if (!info) return undefined;
    const { dtype, shape } = info;
    if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16" && dtype !== "F64")
      throw new GraphError(`tensor ${name} has type ${dtype}, expected a float type`);
    return { dtype, shape, file: store.locate(name), read: () => store.read(name) };
  };
}
