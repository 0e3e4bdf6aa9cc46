import { GraphError, type ParameterSource } from "@uat/graph";
import type { TensorStore } from "./tensor-store.ts";

/** A checkpoint as the source of a graph's parameters; float tensors of any precision are accepted. */
export function parametersOf(store: TensorStore): ParameterSource {
  return (name) => {
    const info = store.info(name);
    if (!info) return undefined;
    const { dtype, shape } = info;
    if (dtype === "I16" || dtype === "BOOL")
      throw new GraphError(`tensor ${name} has type ${dtype}, expected a float type`);
    return { dtype, shape, file: store.locate(name), read: () => store.read(name) };
  };
}
