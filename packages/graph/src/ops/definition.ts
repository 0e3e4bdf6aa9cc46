import type { TensorType } from "../graph.ts";
import type { Emitter } from "../onnx/emitter.ts";

/** One operator: its shape rule and how it becomes ONNX. */
export interface OpDefinition<A = unknown> {
  readonly name: string;
  /** Types of the outputs. Throws GraphError without context; the graph adds the layer and the shapes. */
  infer(inputs: readonly TensorType[], attributes: A): TensorType[];
  /** Adds ONNX nodes that compute the outputs; returns their value names. */
  emit(emitter: Emitter, inputs: readonly EmittedValue[], attributes: A, outputs: readonly TensorType[]): string[];
}

/** An input as the emitter sees it. */
export interface EmittedValue extends TensorType {
  readonly value: string;
  /** The name when it is a parameter. */
  readonly parameter?: string | undefined;
}

export const defineOp = <A>(definition: OpDefinition<A>): OpDefinition<A> => definition;
